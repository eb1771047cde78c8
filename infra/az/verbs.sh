# shellcheck shell=bash disable=SC2154 # env.sh and the scripts set what is not set here
# Sourced by env.sh: the command line that every script has, and how a command is run, shown, kept and failed.
# A script defines `create`, `delete` and `info`, and ends with: main SUMMARY "$@"

readonly script=${0##*/}
dry_run=no
confirmed=no
RETRY_SECONDS=${RETRY_SECONDS:-15}

fail() {
    echo "$script: $*" >&2
    exit 1
}

usage() {
    cat <<EOF
$script: $1

usage: $script create | delete | recreate | info${extra_verbs:+ | $extra_verbs} [--dry-run] [--yes]

  create      make it; what is there already is brought to what the repository says
  delete      delete it with what it holds (asks first)
  recreate    delete and create (asks first)
  info        what there is
${extra_help:+$extra_help
}
  --dry-run   print every command and run none; what only Azure knows is shown <so>
  --yes       do not ask

environment   AZURE_ENV_NAME (dev), AZURE_LOCATION (westeurope), HEADRACE_PROFILE (dev: sizes of infra/parameters.dev.json),
              HEADRACE_PRODUCER_IDS and HEADRACE_OPERATOR_IDS (object ids, with commas between), HEADRACE_ALERT_EMAIL,
              HEADRACE_STREAM_ANALYTICS (true)
answers       infra/az/out/\$AZURE_ENV_NAME/*.json; HEADRACE_ANSWERS is another directory than out/
EOF
}

main() {
    local summary=$1 verb=
    shift
    while (($#)); do
        case $1 in
        --help | -h) usage "$summary" && exit 0 ;;
        --dry-run) dry_run=yes ;;
        --yes) confirmed=yes ;;
        create | delete | recreate | info) verb=${verb:+twice}${verb:-$1} ;;
        *)
            [[ " ${extra_verbs:-} " == *" $1 "* ]] || fail "'$1' is no verb or option of it; see $script --help"
            verb=${verb:+twice}${verb:-$1}
            ;;
        esac
        shift
    done
    [[ -n $verb && $verb != twice* ]] || fail "give one verb: create, delete, recreate or info${extra_verbs:+, $extra_verbs}; see $script --help"
    # What shows the commands: the output of a dry run, and beside the answers of a real one.
    if [[ $dry_run == yes ]]; then exec 3>&1; else
        exec 3>&2
        command -v az >/dev/null || fail "az is not installed: https://learn.microsoft.com/cli/azure/install-azure-cli"
        mkdir -p "$OUT"
        said=$(mktemp)
        trap 'rm -f "$said"' EXIT
    fi
    name_resources
    case $verb in
    delete)
        confirm
        delete
        ;;
    recreate)
        confirm
        delete
        create
        ;;
    *) "$verb" ;;
    esac
}

confirm() {
    [[ $confirmed == no && $dry_run == no ]] || return 0
    [[ -t 0 ]] || fail "delete and recreate need --yes where nobody can be asked"
    local typed
    read -r -p "$script deletes from environment '$ENVIRONMENT', with the data. Type its name to go on: " typed
    [[ $typed == "$ENVIRONMENT" ]] || fail "nothing was deleted"
}

# show COMMAND...: as one could paste it, a connection string aside.
show() {
    local word line=
    for word in "$@"; do
        word=${word//"$PWD"\//}
        [[ $word != *CONNECTION_STRING=* ]] || word="${word%%=*}=<insights.connectionString>"
        if [[ $word =~ ^[A-Za-z0-9_./:=,@%+\<\>-]+$ ]]; then line+=" $word"; else line+=" '${word//\'/\'\\\'\'}'"; fi
    done
    echo "+${line}" >&3
}

failed() {
    local why
    why=$(grep -m1 -E '^(ERROR|az: error|.*error:)' "$said" || head -n1 "$said")
    # Of the command, its name: the words before the first option.
    local name=
    while (($#)) && [[ $1 != -* ]]; do
        name+="$1 "
        shift
    done
    fail "${name}failed: ${why#ERROR: }"
}

# run COMMAND...: in a dry run, show it only.
run() {
    show "$@"
    [[ $dry_run == no ]] || return 0
    "$@" >/dev/null 2>"$said" || failed "$@"
}

# persist COMMAND...: as run, again while Azure does not know yet of a role given just before (some minutes at most).
persist() {
    show "$@"
    [[ $dry_run == no ]] || return 0
    local tries
    for ((tries = 20; ; tries--)); do
        if "$@" >/dev/null 2>"$said"; then return; fi
        if ((tries == 1)) || ! grep -qiE 'authoriz|forbidden|permission|principal.*not.*(found|exist)' "$said"; then failed "$@"; fi
        sleep "$RETRY_SECONDS"
    done
}

# keep NAME COMMAND...: as run, its answer in out/ENVIRONMENT/NAME.json.
keep() {
    local name=$1
    shift
    show "$@"
    [[ $dry_run == no ]] || return 0
    "$@" --output json >"$OUT/.$name" 2>"$said" || failed "$@"
    mv "$OUT/.$name" "$OUT/$name.json"
}

# answer NAME KEY: from what was kept, an object of strings; <NAME.KEY> in a dry run that has nothing.
answer() {
    if [[ -f $OUT/$1.json ]]; then
        [[ ! $(<"$OUT/$1.json") =~ \"$2\":\ *\"([^\"]*)\" ]] || echo "${BASH_REMATCH[1]}"
    elif [[ $dry_run == yes ]]; then
        echo "<$1.$2>"
    fi
}

# forget NAME...: what was kept of something that is deleted; a name may be a pattern.
forget() {
    local name
    [[ $dry_run == no ]] || return 0
    # shellcheck disable=SC2086
    for name in "$@"; do rm -f "$OUT"/$name.json "$OUT"/$name.body.json; done
}

# ask WHAT COMMAND...: its answer as text, not kept; nothing if there is no such thing, <WHAT> in a dry run.
ask() {
    local what=$1
    shift
    show "$@"
    if [[ $dry_run == yes ]]; then
        echo "<$what>"
    else
        "$@" --output tsv 2>"$said" || absent || failed "$@"
    fi
}

absent() { grep -qiE 'NotFound|not found|could not be found|does not exist' "$said"; }

# remove WHAT COMMAND...: delete something, which may be gone already.
remove() {
    local what=$1
    shift
    show "$@"
    [[ $dry_run == no ]] || return 0
    "$@" >/dev/null 2>"$said" || { absent && echo "$script: there is no $what" >&2; } || failed "$@"
}

# need ANSWER SCRIPT: what another script makes must be there.
need() { [[ $dry_run == yes || -f $OUT/$1.json ]] || fail "it needs what $2 makes: $2 create"; }

# bodies NAME [NAME=VALUE...]: what ARM takes; save NAME JSON: where a command finds it.
bodies() {
    local name=$1
    shift
    python3 -IS "$here/bodies.py" "$name" "${at[@]}" "$@"
}
save() {
    if [[ $dry_run == yes ]]; then
        echo "# $1.body.json: $2" >&3
    else
        echo "$2" >"$OUT/$1.body.json"
    fi
}

# put BODY ID API-VERSION [NAME=VALUE...]: make or change a resource by what ARM takes; Bicep says the same.
put() {
    local name=$1 id=$2 version=$3 json
    shift 3
    json=$(bodies "$name" "$@")
    save "$name" "$json"
    run az resource create --id "$id" --api-version "$version" --is-full-object --properties "@$OUT/$name.body.json"
}

# describe ID...: what there is of these resources.
describe() {
    local id
    for id in "$@"; do
        show az resource show --ids "$id" --query "{name: name, type: type, location: location, state: properties.provisioningState}"
        [[ $dry_run == no ]] || continue
        az resource show --ids "$id" --query "{name: name, type: type, location: location, state: properties.provisioningState}" \
            --output json 2>"$said" || { absent && echo "$script: there is no ${id##*/}" >&2; } || failed az resource show --ids
    done
}
