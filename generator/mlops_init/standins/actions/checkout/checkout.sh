# The committed tree, and for the steps that follow an empty home, an empty temporary folder
# and no environment built before: what a hosted runner would give.
set -eu
git clone -q --depth 1 "$MLOPS_CHECKOUT" .
mkdir -p "$RUNNER_TEMP/home" "$RUNNER_TEMP/tmp"
{
  echo "HOME=$RUNNER_TEMP/home"
  echo "TMPDIR=$RUNNER_TEMP/tmp"
  echo "MLOPS_ENV_DIR=$RUNNER_TEMP/envs"
} >> "$GITHUB_ENV"
