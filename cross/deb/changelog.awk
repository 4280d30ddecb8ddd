# CHANGELOG.md as Debian writes one. The newest release is the one that is packed: its version, as Debian counts it, and
# its moment are VERSION and DATE. An older one has its day in its heading: "## 0.1.0, 2026-05-01".
function flush(   i, n, words, line) { # filled to 79 columns
  if (entry == "") return
  line = "  *"; n = split(entry, words, " ")
  for (i = 1; i <= n; i++) {
    if (length(line) + 1 + length(words[i]) > 79) { print line; line = "   " }
    line = line " " words[i]
  }
  print line; entry = ""
}
function close_release() {
  flush()
  if (version != "") printf "\n -- %s  %s\n\n", MAINTAINER, date
}
/^## / {
  close_release()
  version = $2; sub(/,$/, "", version); date = DATE
  if (releases++) {
    if ($3 !~ /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]$/) {
      print "CHANGELOG.md: \"" $0 "\" has no day, such as ## 0.1.0, 2026-05-01" > "/dev/stderr"; exit 1
    }
    ("TZ=UTC LC_ALL=C date -R -d " $3) | getline date
  } else version = VERSION
  printf "%s (%s) unstable; urgency=medium\n\n", NAME, version
  next
}
version == "" { next }
/^- / { flush(); entry = substr($0, 3); next }
/^  / && entry != "" { entry = entry " " substr($0, 3); next }
/./ { flush(); entry = $0 }
END { close_release() }
