# What can be said to mth5d and its tools, for bash. Options are those that --help tells, instruments those that are there.
_mth5() {
  local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} program=$1 words=
  if [[ $cur == -* ]]; then
    words=$("$program" --help 2>/dev/null | sed -nE 's/^  (-[a-zA-Z] \[ )?(--[a-z-]+).*/\2/p')
  elif [[ $before == --try || ($program == *mth5-sim && $COMP_CWORD == 1) ]]; then
    words=$(mth5d --list-instruments 2>/dev/null | sed -nE 's/^([a-z0-9_-]+) .*/\1/p')
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
} && complete -o default -F _mth5 mth5d mth5-sim mth5-monitor mth5-summary mth5-recover
