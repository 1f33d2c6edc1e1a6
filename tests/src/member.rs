//! One member of a market: a process of the product's program, tied to the story by its standard input.

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use intentcast_node::client::{Client, ClientError};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::{
    wait::{PATIENCE, until, within},
    watch::Watch,
};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_intentcast-under-test");

/// What opens the vaults of the stories.
pub const PASSPHRASE: &str = "heron lamp orbit quilt";

/// How long a member may take until it is ready; fifty of them take their turns.
const READY: Duration = Duration::from_secs(120);

/// A running node.
pub struct Member {
    pub home: PathBuf,
    pub peer: String,
    pub addresses: Vec<String>,
    args: Vec<String>,
    running: Option<Running>,
}

/// What is shown of what a member said, characters.
const TAIL: usize = 4000;

struct Running {
    child: Child,
    complaints: Arc<Mutex<String>>,
}

/// What a member said is of use when a story fails.
impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = self
                .complaints
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            let tail = said.char_indices().rev().nth(TAIL).map_or(0, |(at, _)| at);
            eprintln!("a member's last words: {}", &said[tail..]);
        }
    }
}

/// How a program that was run to its end ended.
pub struct Ended {
    pub status: ExitStatus,
    pub out: String,
    pub complaints: String,
}

/// The program, in an environment that says nothing to it.
pub fn program() -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .env_remove("INTENTCAST_HOME")
        .env_remove("INTENTCAST_CONFIG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs the program to its end.
pub async fn run(args: &[&str]) -> Ended {
    run_for(PATIENCE, args).await
}

/// The same, for longer.
pub async fn run_for(patience: Duration, args: &[&str]) -> Ended {
    let output = within(patience, &args.join(" "), program().args(args).output())
        .await
        .unwrap();
    Ended {
        status: output.status,
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        complaints: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Member {
    /// Starts the program with these arguments on `home`, and waits until it is ready.
    pub async fn start(home: &Path, args: &[&str]) -> Self {
        Self::start_as(program(), home, args).await
    }

    /// The same through another command, whose last argument so far is the program.
    pub async fn start_as(command: Command, home: &Path, args: &[&str]) -> Self {
        let mut member = Self {
            home: home.to_owned(),
            peer: String::new(),
            addresses: Vec::new(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            running: None,
        };
        member.launch(command).await;
        member
    }

    async fn launch(&mut self, mut command: Command) {
        let mut child = command
            .arg("--home")
            .arg(&self.home)
            .arg("--json")
            .args(&self.args)
            .arg("--tied")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let complaints = Arc::new(Mutex::new(String::new()));
        let mut stderr = child.stderr.take().unwrap();
        let kept = complaints.clone();
        tokio::spawn(async move {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = stderr.read(&mut chunk).await {
                kept.lock().unwrap().push_str(&String::from_utf8_lossy(&chunk[..read]));
            }
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = within(READY, "a member is ready", lines.next_line()).await.unwrap();
        let Some(first) = first else {
            let ended = child.wait().await.unwrap();
            let said = complaints.lock().unwrap().clone();
            panic!("{:?} ended before it was ready, with {ended}: {said}", self.args);
        };
        // Whatever else it prints is drained, so that it never waits for us.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let ready: Value = serde_json::from_str(&first).unwrap();
        assert_eq!(ready["event"], "ready", "{first}");
        self.peer = ready["peer"].as_str().unwrap_or_default().to_owned();
        self.addresses = serde_json::from_value(ready["addresses"].clone()).unwrap();
        self.running = Some(Running { child, complaints });
    }

    /// Another command on its folder, which writes JSON.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = program();
        command.arg("--home").arg(&self.home).arg("--json").args(args);
        command
    }

    /// Runs a command on its folder to its end; whoever asks for a passphrase finds the stories' one.
    pub async fn cli(&self, args: &[&str]) -> Ended {
        self.cli_as(PASSPHRASE, args).await
    }

    /// The same with another passphrase.
    pub async fn cli_as(&self, passphrase: &str, args: &[&str]) -> Ended {
        let mut command = self.command(args);
        command.env("INTENTCAST_PASSPHRASE", passphrase);
        let output = within(PATIENCE, &args.join(" "), command.output()).await.unwrap();
        Ended {
            status: output.status,
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            complaints: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs a command that must work; the last that it said, as JSON.
    pub async fn does(&self, args: &[&str]) -> Value {
        let ended = self.cli(args).await;
        assert!(ended.status.success(), "{args:?}: {}", ended.complaints);
        serde_json::from_str(ended.out.lines().last().unwrap_or("null")).unwrap()
    }

    /// The same, and once it is said to be done the node is killed and starts again.
    pub async fn does_and_falls(&mut self, args: &[&str]) -> Value {
        let done = self.does(args).await;
        self.fall().await;
        done
    }

    /// Runs a command that must end with this code; why it did.
    pub async fn fails(&self, code: i32, args: &[&str]) -> String {
        let ended = self.cli(args).await;
        assert_eq!(
            ended.status.code(),
            Some(code),
            "{args:?}: {} {}",
            ended.out,
            ended.complaints
        );
        ended.complaints
    }

    /// Is killed, and starts again.
    pub async fn fall(&mut self) {
        self.kill().await;
        self.restart().await;
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        let running = self.running.as_ref().expect("it runs");
        running.child.id().expect("it has not been waited for")
    }

    /// Where it listens, without its id, for a restart at the same place.
    fn listens(&self) -> Vec<String> {
        let bare = |address: &String| address.rsplit_once("/p2p/").map(|(place, _)| place.to_owned());
        self.addresses
            .iter()
            .filter(|address| !address.contains("p2p-circuit"))
            .filter_map(bare)
            .collect()
    }

    /// As a power cut would: SIGKILL, and nothing of its own doing after that.
    pub async fn kill(&mut self) {
        let mut running = self.running.take().expect("it runs");
        running.child.kill().await.unwrap();
    }

    /// Starts it again on the same folder, at the same place.
    pub async fn restart(&mut self) {
        assert!(self.running.is_none(), "it runs still");
        for (listen, place) in self.listens().into_iter().enumerate() {
            let flags = self.args.iter().enumerate().filter(|(_, arg)| *arg == "--listen");
            if let Some((flag, _)) = flags.clone().nth(listen) {
                self.args[flag + 1] = place;
            }
        }
        self.launch(program()).await;
    }

    /// Asks it to go, and waits until it has.
    pub async fn stop(&mut self) {
        let mut running = self.running.take().expect("it runs");
        drop(running.child.stdin.take());
        within(PATIENCE, "a member that is told to go goes", running.child.wait())
            .await
            .unwrap();
    }

    /// Fails unless it still runs and nothing in it has panicked.
    pub fn is_well(&mut self) {
        let running = self.running.as_mut().expect("it runs");
        let said = running.complaints.lock().unwrap().clone();
        assert!(running.child.try_wait().unwrap().is_none(), "it ended: {said}");
        assert!(!said.contains("panicked at"), "{said}");
    }

    /// What it has logged since it was started.
    pub fn said(&self) -> String {
        self.running
            .as_ref()
            .expect("it runs")
            .complaints
            .lock()
            .unwrap()
            .clone()
    }

    /// Its resident memory, KiB, where the system tells.
    pub fn resident_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    pub fn client(&self) -> Client {
        Client::of_home(&self.home).unwrap()
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> T {
        self.try_get(path)
            .await
            .unwrap_or_else(|why| panic!("GET {path}: {why}"))
    }

    pub async fn try_get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.client().get(path).await
    }

    pub async fn post(&self, path: &str, body: &impl Serialize) -> Result<Value, ClientError> {
        self.client().post(path, body).await
    }

    /// What happens at it, from all that it remembers on.
    pub async fn watch(&self) -> Watch {
        Watch::of(&self.client()).await
    }

    /// Looks at `path` until it is as wanted.
    pub async fn until<T: DeserializeOwned, R>(&self, what: &str, path: &str, wanted: impl Fn(T) -> Option<R>) -> R {
        until(what, async || wanted(self.try_get(path).await.ok()?)).await
    }
}
