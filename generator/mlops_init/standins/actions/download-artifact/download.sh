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
pattern=${PATTERN:-*}
pattern=${pattern#\{}
IFS=, read -ra wanted <<< "${pattern%\}}"
for folder in "$MLOPS_ARTIFACTS"/*/; do
  name=$(basename "$folder")
  for each in "${wanted[@]}"; do
    if [ "$each" = "*" ] || [ "$each" = "$name" ]; then
      cp -R "$MLOPS_ARTIFACTS/$name" "$INTO/"
      break
    fi
  done
done
