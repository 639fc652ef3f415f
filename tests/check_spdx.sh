#!/bin/sh
# SPDX-License-Identifier: MIT
# check_spdx.sh <source directory>: every source file names its licence in its first line, or in its second after "#!".
set -eu
cd "$1"

# In a clone the files git knows or would add; elsewhere, e.g. in a release archive, whatever is not a build.
list() {
    git ls-files --cached --others --exclude-standard 2>/dev/null ||
        find . -type f ! -path './build*' ! -path './.git/*'
}

status=0
n=0
for file in $(list | sed 's|^\./||' | grep -v -E '^(data/|tests/fuzz/corpus/|LICENSE$)|\.(md|json|csv|png|svg|gz)$'); do
    [ -f "$file" ] || continue
    n=$((n + 1))
    if ! awk 'NR == 1 && /^#!/ { next } { print; exit }' "$file" | grep -q 'SPDX-License-Identifier: MIT'; then
        echo "$file: no SPDX line"
        status=1
    fi
done
if [ $n -eq 0 ]; then
    echo "no file to check"
    status=1
fi
echo "$n files"
exit $status
