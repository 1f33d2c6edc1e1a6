//! What a desk does unasked: requests that the policy makes, reports and deletions that are due, secrets that nothing
//! needs.

use intentcast_protocol::{
    letter::{Deletion, Matter, Permission},
    list::List,
    market::{About, AgreementView, Denied, Market, Role},
    purpose::Purpose,
    text::Phrase,
    time::Timestamp,
};
use tracing::{debug, info, warn};

use super::{Desk, DeskError, say};
use crate::{
    api::backend::{Backend, CommandError},
    strands::{
        Holding, State, Strands,
        policy::Policy,
        telling::{Telling, destroyed},
    },
};

impl Desk {
    /// Does what is due: asks where the policy says so, reports and deletes what is over, destroys secrets that nothing
    /// needs. Gives the moment when something is due next.
    ///
    /// # Errors
    /// [`DeskError`]; what was done until then stays done.
    pub async fn sweep<B: Backend>(&self, backend: &B) -> Result<Option<Timestamp>, DeskError> {
        let _busy = self.busy.lock().await;
        let (now, holdings) = self.holdings(backend).await?;
        let mut next: Option<Timestamp> = None;
        let mut wake = |at: Timestamp| next = Some(next.map_or(at, |before: Timestamp| before.min(at)));
        for held in holdings.iter().filter(|held| held.role == Role::Seller) {
            match held.state {
                State::Asked => wake(held.request.permission.ends),
                State::Granted => wake(held.permission().ends),
                State::Refused => self.destroy(now, held, "the customer said no").await?,
                State::Deleted => self.destroy(now, held, "deleted").await?,
                State::Revoked | State::Ended => {
                    if let Some(at) = self.wind_up(backend, now, held).await? {
                        wake(at);
                    }
                }
            }
        }
        self.ask_by_policy(backend, now, &holdings).await?;
        Ok(next)
    }

    /// A grant is over: the last report goes, and if the strand must go as well, it goes. Gives when it must, if later.
    async fn wind_up<B: Backend>(
        &self,
        backend: &B,
        now: Timestamp,
        held: &Holding,
    ) -> Result<Option<Timestamp>, DeskError> {
        let Some(view) = &held.grant else {
            // Nobody answered in time: what comes now is not opened.
            self.destroy(now, held, "nobody answered in time").await?;
            return Ok(None);
        };
        let told = self.tell_uses(backend, now, held).await;
        let put_off = told.as_ref().is_err_and(DeskError::is_put_off);
        if !put_off {
            told?;
        }
        let (grant, permission) = (&view.grant, held.permission());
        let must_go = permission.ends <= now || grant.revoked.as_ref().is_some_and(|revoked| revoked.delete);
        if !must_go {
            return Ok(Some(permission.ends));
        }
        let why = if permission.ends <= now {
            "its time is over"
        } else {
            "revoked"
        };
        self.destroy(now, held, why).await?;
        // The receipt for it goes with the report.
        if put_off {
            return Ok(None);
        }
        let rule = self
            .policy
            .as_ref()
            .and_then(|policy| policy.rule(&permission.strand, &permission.purpose));
        let (lines, _) = self.on_disk(Strands::lines).await?;
        let telling = Telling::of(&lines, grant.id);
        let to_tell = rule.map(|rule| &rule.told[..]).unwrap_or_default();
        let gone = destroyed(&lines, held.request.id).unwrap_or(now);
        let waits = telling.waits_until(to_tell, gone, grant).filter(|until| *until > now);
        if waits.is_some() {
            return Ok(waits);
        }
        let deletion = Deletion {
            grant: grant.id,
            at: now,
            kept: List::cut(rule.map(|rule| rule.kept(now)).unwrap_or_default()),
            told: List::cut(telling.told),
        };
        match say(backend, About::Agreement(held.agreement), Matter::Deleted(deletion)).await {
            Ok(_) => info!(grant = %grant.id.short(), "a strand is deleted"),
            Err(why) if why.is_put_off() => {}
            Err(why) => return Err(why),
        }
        Ok(None)
    }

    /// What an agreed offer needs and the policy covers is asked for once.
    async fn ask_by_policy<B: Backend>(
        &self,
        backend: &B,
        now: Timestamp,
        holdings: &[Holding],
    ) -> Result<(), DeskError> {
        let Some(policy) = &self.policy else { return Ok(()) };
        let deals = backend.read(|_, market: &Market| market.agreements()).await?;
        for deal in deals.iter().filter(|deal| deal.role == Role::Seller) {
            for (permission, benefit) in needed(policy, deal, now) {
                let before = holdings.iter().any(|held| {
                    let asked = &held.request.permission;
                    asked.agreement == deal.id
                        && asked.strand == permission.strand
                        && asked.purpose == permission.purpose
                });
                if before {
                    continue;
                }
                match self.send_request(backend, permission, benefit).await {
                    Ok(request) => info!(request = %request.short(), "asked for a strand by the policy"),
                    Err(why) if why.is_put_off() => break,
                    // The want does not let it be asked, or the like: nothing that trying again would mend.
                    Err(DeskError::Command(CommandError::Denied(Denied::Unfitting(why)))) => {
                        warn!(agreement = %deal.id.short(), "not asked for all that the rules need");
                        debug!(%why, "why");
                    }
                    Err(why) => return Err(why),
                }
            }
        }
        Ok(())
    }

    /// Destroys secrets that belong to no request: somebody's power went between the two.
    ///
    /// # Errors
    /// [`DeskError`].
    pub async fn forget_strays<B: Backend>(&self, backend: &B) -> Result<(), DeskError> {
        let _busy = self.busy.lock().await;
        // The request may be one that comes back.
        if !backend.read(|_, market: &Market| market.unsure()).await?.is_empty() {
            return Ok(());
        }
        let (_, holdings) = self.holdings(backend).await?;
        self.on_disk(move |strands| {
            for key in strands.keys()? {
                if !holdings.iter().any(|held| held.request.key == key) {
                    strands.destroy(&key)?;
                }
            }
            Ok(())
        })
        .await
    }
}

/// What the policy asks for under a deal by itself.
fn needed(policy: &Policy, deal: &AgreementView, now: Timestamp) -> Vec<(Permission, Phrase)> {
    let needed = deal.agreed.needs.iter().filter_map(|need| {
        let rule = policy
            .rule(&need.strand, &need.purpose)
            .or_else(|| policy.rule(&need.strand, Purpose::new(need.purpose.as_str()).ok()?.as_phrase()))?;
        let permission = Permission {
            agreement: deal.id,
            strand: need.strand.clone(),
            purpose: rule.purpose.clone(),
            operations: rule.operations,
            recipients: List::cut(rule.recipients.iter().cloned()),
            ends: rule.ends(deal.at),
        };
        (permission.ends > now).then_some((permission, rule.benefit.clone()?))
    });
    needed.collect()
}
