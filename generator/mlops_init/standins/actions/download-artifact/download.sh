# As the action does: one artifact by its name, its files right here, and it must be there;
# several by a pattern, or all, each into a folder of its own name, as far as there are any.
set -eu
mkdir -p "$INTO"
if [ -n "$NAME" ]; then
  if [ ! -d "$MLOPS_ARTIFACTS/$NAME" ]; then
    echo "::error::Unable to find the artifact $NAME"
    exit 1
  fi
  cp -R "$MLOPS_ARTIFACTS/$NAME/." "$INTO/"
  exit 0
fi
target=$(realpath "$INTO")
pattern=${PATTERN:-*}
pattern=${pattern#\{}
IFS=, read -ra wanted <<< "${pattern%\}}"
cd "$MLOPS_ARTIFACTS"
for each in "${wanted[@]}"; do
  while read -r name; do
    if [ -d "$name" ]; then
      cp -R "./$name" "$target/"
    fi
  done < <(compgen -G "$each" || true)
done
