"""Scripts that nobody would write: random ones over the shell's grammar, the same for a seed.

What dash itself gets wrong is left out: it forgets a redirection of a compound command that
stands in another one with `2>&1`.
"""
import random

WORDS = ["a", "b c", "x", "*", "1", "0", "-", "a:b:c", "", " lead", "trail ", "f1", "3", "10"]
VARIABLES = ["x", "y", "z"]
OPERATORS = "+ - * / % < > <= >= == != && || & | ^ << >>".split()


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def one(self, *choices):
        """One of the choices: a text, or what a function makes."""
        choice = self.random.choice(choices)
        return choice() if callable(choice) else choice

    def several(self, make, least, most):
        return " ".join(make() for _ in range(self.random.randint(least, most)))

    def quoted(self):
        word = self.one(*WORDS)
        return self.one(f"'{word}'", f'"{word}"',
                        word.replace(" ", "\\ ").replace("*", "\\*") or "''")

    def parameter(self):
        name = self.one(*VARIABLES, "1", "2", "#", "?", "@", "*")
        kind = self.random.randrange(12)
        if name in "#?@*" or kind < 2:
            return f"${name}"
        if kind < 4:
            return f"${{{name}}}"
        if kind == 4:
            return f"${{#{name}}}"
        assigns = ["=", ":="] if name in VARIABLES else []
        operator = self.one("-", ":-", "+", ":+", "#", "##", "%", "%%", *assigns)
        operand = self.one("a", "*", "?", "b*", "*:", "'q r'", "$y", "w v", ":*", "")
        return f"${{{name}{operator}{operand}}}"

    def arithmetic(self, depth=0):
        if depth > 2 or self.random.random() < .4:
            return self.one("1", "2", "7", "0", "n", "3")
        def inner():
            return self.arithmetic(depth + 1)
        return self.one(
            lambda: f"({inner()})", lambda: f"-{self.arithmetic(2)}", lambda: f"!{inner()}",
            lambda: f"{inner()} ? {inner()} : {inner()}",
            lambda: f"{inner()} {self.one(*OPERATORS)} {inner()}",
            lambda: f"{inner()} {self.one(*OPERATORS)} {inner()}")

    def word(self, depth):
        choices = [self.quoted, self.quoted, self.parameter, self.parameter,
                   lambda: self.one("a", "foo", "b=c", "f*", "$", "`echo b q`"),
                   lambda: f'"p{self.parameter()}s"', lambda: f"$(({self.arithmetic()}))"]
        if depth < 2:
            choices += [lambda: f"$({self.command(depth + 1)})",
                        lambda: f'"$({self.command(depth + 1)})"']
        return self.one(*choices)

    def simple(self, depth):
        def word():
            return self.word(depth)
        def name():
            return self.one(*VARIABLES)
        return self.one(
            *[lambda: f"echo {self.several(word, 1, 3)}"] * 5,
            lambda: f'for w in {self.several(word, 1, 2)}; do echo "[$w]"; done',
            lambda: f"{name()}={word()}", lambda: f"{name()}={word()} echo ${name()}",
            lambda: f"set -- {self.several(word, 3, 3)}",
            lambda: f"[ {self.one(*'abc')} {self.one('=', '!=')} {self.one(*'abc')} ]",
            lambda: self.one("true", "false", ":", "(exit 3)", "! true", "! false"),
            lambda: self.one("IFS=:", "unset x", "unset IFS", "shift", "set --", "IFS=' :'"),
            lambda: f"cat <<E\nbody {self.parameter()}\nE\n")

    def command(self, depth):
        def inner():
            return self.command(depth + 1)
        def pattern():
            return self.one("a", "b*", "'*'", "?", "[a-c]*", "$x")
        def short():
            return f"{{ {inner()}\n}}"
        if depth > 2:
            return self.simple(depth)
        return self.one(
            *[lambda: self.simple(depth)] * 7,
            lambda: f"{short()} | cat", lambda: f"{short()} && {inner()}",
            lambda: f"{short()} || {inner()}", lambda: f"({inner()}\n)",
            lambda: f"if {inner()}\nthen {inner()}\nelse {inner()}\nfi",
            lambda: f"case {self.word(depth)} in\n{pattern()}) {inner()}\n;;\n*) echo other;; esac",
            lambda: f"for i in 1 2; do {inner()}\n{self.one('break', 'continue', ':')}; done",
            lambda: f"{short()} {self.one('2>/dev/null', '>f1', '<f1', '>>f1')}",
            lambda: f"n=0; while [ $n -lt 2 ]; do n=$((n+1)); {inner()}\ndone")

    def script(self):
        options = "set -e\n" if self.random.random() < .15 else ""
        body = "\n".join(self.command(0) for _ in range(self.random.randint(2, 5)))
        return f"n=2\nset -- one 'two three'\n{options}{body}\necho \"end $? $n\"\n"


def script(seed):
    return Generator(seed).script()
