### list
echo a; echo b;
echo c
### and or
true && echo 1; false && echo 2; true || echo 3; false || echo 4
### and or chain
false && echo a || echo b; true || echo c && echo d; false || false || echo e
### and or over lines
true &&
echo a ||
# comment
echo b
### not
! true; echo $?; ! false; echo $?; if ! false; then echo yes; fi
### not pipeline
! echo x | cat; echo $?; ! false | false; echo $?
### status
true; echo $?; false; echo $?; (exit 42); echo $?
### status of and or
false || true; echo $?; true && false; echo $?
### assignment
x=1; y=$x$x; z="$y z"; echo "$x $y $z"
### assignment of several
a=1 b=2 c=$a; echo $a $b $c
### assignment for one command
x=out; x=in echo $x; echo $x; x=in sh -c 'echo $x'; echo $x
### assignment for one command is exported
a=1 b=2 sh -c 'echo $a $b'; echo "[$a$b]"
### assignment is no command word
e=echo; $e hi; $e a=b
### equals in words
echo a=b; x='y=3'; $x 2>/dev/null; echo $?
### export
x=1; sh -c 'echo "[$x]"'; export x; sh -c 'echo "[$x]"'; export y=2 z=3; sh -c 'echo $y $z'
### unset
x=1; unset x; echo "[${x-none}]"; unset never; echo $?
### not found
nosuchcommand; echo $?; nosuchcommand 2>/dev/null || echo fallback
### not found path
./nosuchfile; echo $?; /no/such; echo $?
### pipeline
echo hello | cat; echo a b | cat | cat | cat
### pipeline status
true | false; echo $?; false | true; echo $?
### pipeline stages are subshells
x=1; echo 2 | read x; echo $x; x=5 | cat; echo $x
### pipeline into loop
{ echo a; echo b; echo c; } | while read l; do echo "[$l]"; done
### endless producer
while :; do echo y; done | head -n 3; echo $?
### endless producer of bytes
cat /dev/zero | head -c 100000 | wc -c; echo $?
### endless producer through stages
cat /dev/zero | cat | head -c 5 | cat | wc -c
### pipe reader that takes nothing
cat /dev/zero | true; echo $?; cat /dev/zero | false; echo $?; seq 100000 | (exit 3); echo $?
### pipe reader that breaks off
seq 100000 | while read x; do [ $x = 50 ] && break; done; echo $? $x
### pipe holds more than its buffer
seq 100000 | tail -n 1; seq 100000 | cat | cat | wc -l
### pipe stages have their own directory
mkdir d; (cd d; seq 100000; [ -e ../d ] && echo in d >&2) | (cd d; tail -n 1; [ -e ../d ] && echo in d); [ -d d ] && echo out
### pipe in a pipe
{ seq 50000 | cat; seq 50000 | tail -n 1; } | { cat | tail -n 1; }; (seq 9 | (cat | (tail -n 2)))
### pipe stage that exits early
{ echo a; exit 3; echo b; } | cat; echo $?; echo x | { read y; exit 4; }; echo $?
### pipeline over lines
echo x |
cat |

cat
### pipeline with compound
for i in 1 2; do echo $i; done | cat; if true; then echo t; fi | cat; (echo s) | { cat; echo end; }
### group
{ echo a; echo b; }; { false; }; echo $?
### group on lines
{
echo a
echo b
}
### subshell
x=1; (x=2; echo $x); echo $x; (exit 3); echo $?; (cd /; :); [ "$PWD" = / ] || echo restored
### subshell keeps arguments
set -- a b; (shift; echo $1); echo $1
### nested subshells
(echo a; (echo b; (echo c)))
### if
if true; then echo yes; else echo no; fi; if false; then echo yes; else echo no; fi
### if without else
if false; then echo x; fi; echo $?
### elif
for i in 1 2 3 4; do
  if [ $i = 1 ]; then echo one
  elif [ $i = 2 ]; then echo two
  elif [ $i = 3 ]; then echo three
  else echo many
  fi
done
### if with list condition
if false; true; then echo last counts; fi
### if status
if true; then (exit 5); fi; echo $?
### while
i=3; while [ $i -gt 0 ]; do echo $i; i=$((i-1)); done; echo $?
### while status
while false; do :; done; echo $?; i=0; while [ $i = 0 ]; do i=1; (exit 9); done; echo $?
### until
i=0; until [ $i -ge 3 ]; do i=$((i+1)); echo $i; done
### for
for i in a "b c" d; do echo "[$i]"; done; echo $i
### for without words
for i in; do echo never; done; echo $?
### for over arguments
set -- x "y z"; for i do echo $i; done; for i; do echo "<$i>"; done
### for on lines
for i in a b
do
  echo $i
done
### for with do on the next line
for i
in a b; do echo $i; done
### for nested
for i in 1 2; do for j in a b; do echo $i$j; done; done
### break
for i in 1 2 3; do [ $i = 2 ] && break; echo $i; done; echo $?
### break levels
for i in 1 2; do for j in a b; do echo $i$j; break 2; done; done; echo end
### break more levels than there are
for i in 1 2; do break 9; done; echo $?
### continue
for i in 1 2 3; do [ $i = 2 ] && continue; echo $i; done
### continue levels
for i in 1 2; do for j in a b; do [ $j = b ] && continue 2; echo $i$j; done; echo no; done
### break in while condition
while break; do echo no; done; echo $?
### break in if in loop
while true; do if true; then echo once; break; fi; done
### break in a subshell
for i in 1 2; do (break; echo no); echo $i; done
### continue in while
i=0; while [ $i -lt 4 ]; do i=$((i+1)); [ $((i%2)) = 0 ] && continue; echo $i; done
### case
for i in a b1 c d; do case $i in a) echo A;; b*) echo B;; c|d) echo CD;; esac; done
### case default and nothing
case x in y) echo y;; *) echo other;; esac; case x in y) ;; esac; echo $?
### case patterns
for i in file.c 7 '*' 'a b' ''; do case $i in *.c) echo C;; [0-9]) echo N;; '*') echo star;; 'a b') echo ab;; '') echo empty;; esac; done
### case with parenthesis and without last end
case a in (a) echo yes; esac; case b in
  a) echo a ;;
  b)
    echo b
esac
### case quoted pattern
x='*'; case abc in "$x") echo quoted;; $x) echo pattern;; esac
### case empty arm
case a in a) ;; *) echo no;; esac; echo $?
### case status
case a in a) false;; esac; echo $?
### case reserved words
case if in if) echo if;; esac; case esac in (esac) echo esac;; esac
### reserved words as arguments
echo if then fi do done { } ! case in esac
### reserved words quoted
"if" 2>/dev/null; echo $?
### keywords in variables
x=if; $x 2>/dev/null; echo $?
### exit
echo a; exit 3; echo b
### exit without number
false; exit
### exit in group and loop
for i in 1 2; do { echo $i; exit 4; }; done; echo no
### exit in command substitution
x=$(echo a; exit 2; echo b); echo $x $?
### exit number wraps
(exit 256); echo $?; (exit 255); echo $?
### empty script
### only blank lines and comments


# nothing

### semicolons and newlines
echo a;
echo b ; echo c ;

echo d
### no newline at the end
echo end
### long line
x=aaaaaaaaaaaaaaaa; x=$x$x$x$x; x=$x$x$x$x; x=$x$x$x$x; x=$x$x$x$x; echo ${#x}
### deep nesting
if true; then if true; then for i in 1; do while true; do case a in a) { (echo deep); };; esac; break; done; done; fi; fi
### set -e in a substitution in a condition
set -e; if x=$(false; echo no); then echo "[$x]"; else echo "else [$x]"; fi
x=$(false; echo no) || echo "or [$x]"
! x=$(false; echo no) && echo "[$x]"
if echo "[$(false; echo no)]"; then echo done; fi
### set -e in a subshell in a condition
set -e; if (false; echo no); then echo a; fi
(false; echo yes) || echo b
