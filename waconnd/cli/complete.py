"""Completion scripts, made from the parser: commands, their actions and options."""

from __future__ import annotations

import argparse

from waconnd.cli.parser import build

Tree = dict[str, list[str]]


def words() -> Tree:
    """What may follow: `""` for the first word, `send` behind it, `accounts start` behind that."""
    tree: Tree = {}

    def walk(parser: argparse.ArgumentParser, path: str) -> None:
        found: list[str] = []
        for action in parser._actions:
            found += action.option_strings
            if isinstance(action, argparse._SubParsersAction):
                for name, child in action.choices.items():
                    found.append(name)
                    walk(child, f"{path} {name}".strip())
            elif action.choices:
                found += [str(choice) for choice in action.choices]
        tree[path] = found

    walk(build(), "")
    return tree


def script(shell: str) -> str:
    """The script to source."""
    tree = words()
    if shell == "fish":
        return _fish(tree)
    cases = "\n".join(
        f'    "{path}") words="{" ".join(found)}" ;;' for path, found in sorted(tree.items()) if path
    )
    body = f"""_waconnd() {{
  local path="" word words
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$word" in -*) ;; *) case " {" ".join(w for w in tree[""] if not w.startswith("-"))} {_groups(tree)} " in
      *" $word "*) path="${{path:+$path }}$word" ;; esac ;; esac
  done
  words="{" ".join(tree[""])}"
  case "$path" in
{cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _waconnd waconnd"""
    return body if shell == "bash" else f"autoload -U +X bashcompinit && bashcompinit\n{body}"


def _groups(tree: Tree) -> str:
    return " ".join(sorted({path.partition(" ")[2] for path in tree if " " in path}))


def _fish(tree: Tree) -> str:
    lines = ["complete -c waconnd -f"]
    for path, found in sorted(tree.items()):
        steps = path.split()
        seen = (
            "; and ".join(f"__fish_seen_subcommand_from {step}" for step in steps) or "__fish_use_subcommand"
        )
        plain = [word for word in found if not word.startswith("-")]
        if plain:
            lines.append(f"complete -c waconnd -n '{seen}' -a '{' '.join(plain)}'")
        options = [word[2:] for word in found if word.startswith("--")]
        lines += [f"complete -c waconnd -n '{seen}' -l {option}" for option in options]
    return "\n".join(lines)
