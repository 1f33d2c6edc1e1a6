#!/usr/bin/env bash
# One sweep of the simulator over a Slurm array: each task runs its share, the last step puts the rows together.
#
#     sbatch --array=0-63 deploy/sweep/slurm.sh sweep.toml results
#     # when all are done (a task that was ended may simply be submitted again):
#     intentcast-sim merge results/shard-* --out results/all
#
#SBATCH --job-name=intentcast-sweep
#SBATCH --cpus-per-task=2
#SBATCH --mem=4G
#SBATCH --time=04:00:00
# A minute before the time is up the task gets what Ctrl-C sends: rows that are done are kept, a run that is not is left.
#SBATCH --signal=B:INT@60
set -euo pipefail

sweep=${1:?the file of the sweep}
out=${2:?a directory that all tasks see}
index=$((SLURM_ARRAY_TASK_ID - SLURM_ARRAY_TASK_MIN))

# `exec`, so that the signal reaches the simulator itself.
exec "${INTENTCAST_SIM:-intentcast-sim}" sweep "$sweep" \
  --shard "$index/$SLURM_ARRAY_TASK_COUNT" \
  --jobs "${SLURM_CPUS_PER_TASK:-1}" \
  --out "$out/shard-$index"
