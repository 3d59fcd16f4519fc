#!/usr/bin/env bash
# The steps of action.yml: `wherry.sh prepare` installs the Wherry of this checkout, and says the digest of the inputs and
# where the store is; `wherry.sh build` builds. What users give arrives in variables, and is never read as code.
set -euo pipefail

# Of several lines, all count; there is no end but that of the text, which `read` calls an error.
read -r -d '' -a names <<< "${INPUT_NAMES:-}" || true
read -r -d '' -a options <<< "${INPUT_OPTIONS:-}" || true
arguments=(${names[@]+"${names[@]}"} ${options[@]+"${options[@]}"})
project="${INPUT_PROJECT:-.}"

prepare() {
  local tools="$RUNNER_TEMP/wherry" store="$RUNNER_TEMP/wherry-store" inputs bin each before="" of_digest=()
  "${PYTHON:-python3}" -m venv "$tools"
  # On Windows, the folder has another name.
  bin="$tools/bin"
  [[ -d "$bin" ]] || bin="$tools/Scripts"
  "$bin/python" -m pip install --quiet --disable-pip-version-check "${WHERRY_SOURCE:-$GITHUB_ACTION_PATH}"
  echo "$bin" >> "$GITHUB_PATH"
  echo "WHERRY_CACHE_DIR=$store" >> "$GITHUB_ENV"
  export WHERRY_CACHE_DIR="$store"
  # `wherry digest` has the options of `wherry build`, but for these.
  for each in ${arguments[@]+"${arguments[@]}"}; do
    case "$before $each" in
      *" -v" | *" --verbose" | *" --unpacked"* | *" --expect"* | "--unpacked "* | "--expect "*) ;;
      *) of_digest+=("$each") ;;
    esac
    before="$each"
  done
  # A project without a lock has no digest; its packages are cached by the day, as the indexes' answers are.
  if inputs="$("$bin/wherry" digest --quiet --project "$project" ${of_digest[@]+"${of_digest[@]}"})"; then
    inputs="$("$bin/python" -c 'import hashlib, sys; print(hashlib.sha256(sys.argv[1].encode()).hexdigest())' "$inputs")"
  else
    echo "::warning::the project has no digest, so that its cache is of today"
    inputs="$(date -u +%Y-%m-%d)"
  fi
  printf 'inputs=%s\nstore=%s\n' "$inputs" "$store" >> "$GITHUB_OUTPUT"
}

build() {
  local document
  document="$(wherry build --json --project "$project" ${arguments[@]+"${arguments[@]}"})"
  # A value of several lines ends with a word that it cannot contain.
  printf 'packages<<END-OF-PACKAGES\n%s\nEND-OF-PACKAGES\n' "$document" >> "$GITHUB_OUTPUT"
  PACKAGES="$document" python - >> "$GITHUB_STEP_SUMMARY" <<'PYTHON'
import json, os

print("| Package | Zipped | CodeSha256 |\n|---|---|---|")
for package in json.loads(os.environ["PACKAGES"])["packages"]:
    print(f"| {package['name']} | {package['size'] / 2**20:.1f} MiB | `{package['code_sha256']}` |")
PYTHON
}

case "${1:-}" in
  prepare | build) "$1" ;;
  *) echo "usage: wherry.sh prepare|build" >&2; exit 2 ;;
esac
