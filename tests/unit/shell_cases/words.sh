### plain
echo hello world
echo   many    blanks
### single quotes
echo 'a  b' 'it''s' '$x "y"'
### double quotes
x=1; echo "a  $x" "'q'" "a\"b" "\$x" "c\d"
### backslash
echo a\ b \$x \"q\" \'s\' \#no
### backslash newline
echo on\
e "tw\
o" 'thr\
ee'
### backslash newline between tokens
echo a \
  b &\
& echo c
### empty words
set -- "" '' a; echo $#
### mixed quoting
x='a b'; set -- pre"$x"post'c d'e; echo $# "$1"
### comment
echo a # comment
echo b#c # d
# whole line
echo "# not" \# not
### comment at the end without newline
echo x # y
### unset is nothing
set -- $nothing "$nothing"; echo $#
### default
echo ${x-unset} ${x:-unset}; x=; echo "[${x-unset}]" ${x:-unset}; x=v; echo ${x-unset} ${x:-unset}
### default with quotes
echo ${x:-"a  b"} "${x:-a  b}" "${x:-'q'}"
### default splits
set -- ${x:-a b c}; echo $#; set -- "${x:-a b c}"; echo $#
### default nested
y=inner; echo ${x:-${y:-none}} ${x:-${z:-deep}} "${x:-"$y"}"
### default with command
echo ${x:-$(echo cmd)}
### assign default
echo ${x:=val}; echo $x; y=; : ${y:=e}; echo $y; : ${y=no}; echo $y
### alternative
echo "[${x+set}]"; x=; echo "[${x+set}][${x:+set}]"; x=1; echo "[${x:+set}]"
### alternative with several words
x=1; set -- ${x:+a b} "${x:+c d}"; echo $# "$3"
### length
x=hello; echo ${#x} ${#nothing}; set -- a b; echo ${#} $#
### missing parameter
echo before; : ${x?}; echo after
### missing parameter with text
(echo ${x:?is needed}; echo no); echo $?
### trim front
x=/usr/local/bin; echo ${x#/} ${x#*/} ${x##*/} ${x#nomatch}
### trim back
x=file.tar.gz; echo ${x%.gz} ${x%.*} ${x%%.*} ${x%nomatch}
### trim quoted pattern
x='a*b'; echo "${x#a'*'}" "${x#"a*"}" "${x%\*b}"
### braces end names
x=a; echo ${x}b $x"b" ${x}${x}
### name ends
x=1; echo $x.$x-$x/$x
### lone dollar
echo $ a$ "$" "a$ b"
### positional
set -- a b c d e f g h i j k; echo $1 $9 $10 ${10} ${11} $#
### arguments
set -- 'a b' c; for i in "$@"; do echo "[$i]"; done; for i in $@; do echo "<$i>"; done
### star
set -- 'a b' c; for i in "$*"; do echo "[$i]"; done; for i in $*; do echo "<$i>"; done
### star with IFS
set -- a b c; IFS=-; echo "$*"; IFS=; echo "$*"
### at within text
set -- a b c; for i in "x$@y"; do echo "[$i]"; done
### at without arguments
set --; for i in "$@"; do echo never; done; set -- "$@" x; echo $#
### empty arguments
set -- "" a ""; for i in "$@"; do echo "[$i]"; done; for i in $@; do echo "<$i>"; done
### splitting
x='  a   b  '; set -- $x; echo $# "$1" "$2"; set -- [$x]; echo $#
### splitting at a character
IFS=:; x=a:b::c:; set -- $x; echo $#; for i in "$@"; do echo "[$i]"; done
### splitting leading separator
IFS=:; x=:a; set -- $x; echo $# "[$1]" "[$2]"
### splitting at characters and blanks
IFS=': '; x='a : b:c  d::e'; set -- $x; echo $#; for i in "$@"; do echo "[$i]"; done
### splitting joined with text
x='a b'; set -- 1$x'2'; echo $# "$1" "$2"
### no splitting in quotes or assignments
x='a  b'; y=$x; echo "$y"; set -- "$x"; echo $#
### command substitution
echo $(echo hi) "$(echo a; echo b)" $(echo a; echo b)
### command substitution drops newlines
x=$(echo a; echo; echo); echo "[$x]"
### command substitution nested
echo $(echo $(echo $(echo deep))) "$(echo "$(echo "in quotes")")"
### command substitution with parentheses
echo $(echo ")") "$(echo '(')" $( (echo sub) )
### command substitution with case
echo $(case a in a) echo yes;; esac) $(case b in (b) echo yes;; esac)
### command substitution over lines
x=$(
echo one # )
echo two
)
echo "$x"
### command substitution splits
set -- $(echo a b c) "$(echo a b c)"; echo $#
### command substitution status
x=$(false); echo $?; x=$(exit 7); echo $?; echo $(exit 3); echo $?; x=1; echo $?
### command substitution changes nothing outside
x=1; y=$(x=2; cd /; echo $x); echo $x $y
### empty command substitution
echo "[$()]" $( ) "[$(:)]"
### backquotes
echo `echo a` "`echo b c`" `echo \`echo nested\`` `echo '$x'` `echo \$HOME_NOT_SET`
### globbing
: > b1; : > a1; : > a2; : > .hid; echo *; echo a*; echo ?1; echo [ab]1; echo [!a]*; echo .h*; echo z*
### globbing quoted
: > a; : > b; echo "*" '?' \* [a]"*"; x='*'; echo $x "$x"
### globbing directories
mkdir d e; : > d/x; : > d/y; : > e/x; echo */x; echo d/*; echo */*; echo */
### globbing ranges
for i in a b c 1 2 -; do : > f$i; done; echo f[a-b]; echo f[!a-c]; echo f[1-9]; echo f[-a]
### globbing not in assignments
: > a; x=*; echo "$x"; echo $x
### globbing in for
: > q1; : > q2; for i in q* n*; do echo $i; done
### underscore names
_a1=x; echo $_a1 ${_a1}
### tilde-free words
echo a=b a~b x:y
### unquoted special characters
echo a{b,c} a=b @ % + , ^ ]
### options of the shell
set -e; echo "a$-b"; set +e; echo "[$-]"
### no background command
echo "[$!]" ${!:-none}
### a dollar that begins nothing
echo "a$" $ $% a$.b
### a pattern that assigns to the variable it trims
x=hello; echo ${x#$((x=5))} $x
x=; echo ${x#${x:=abc}} $x
x=abcdefghijklmnopqrstuvwxyz; echo ${x%$((x=5))} $x
### brackets that are patterns, and such as are none
> a; > b; > '['; > ']'; > 'a]'
echo [ ] [] a] [a [a] "["a] [a"]" [[] []] []a] [!a] x[ ]x; [ a = a ]; echo $?
x='[a'; y=']'; echo $x$y "$x"$y $x"$y" $x $y
### the command [ looks at no directory
for i in $(seq 2000); do > f$i; done; i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; echo $i
### classes in patterns
x='  two words	7'; echo "[${x%%[[:alpha:]]*}]" "[${x##*[[:space:]]}]" "[${x#[[:blank:][:alpha:]]}]" "[${x##[![:digit:]]}]"
for c in a Z 5 ' ' '	' - . _ '[' ']' ':' '!'; do
    for class in alpha digit alnum upper lower space blank punct print graph cntrl xdigit; do
        eval "case \"\$c\" in [[:$class:]]) echo yes;; *) echo no;; esac"
    done
    case $c in [[:alpha:]-]) echo a;; [[:digit:][:space:]]) echo b;; [![:punct:]]) echo c;; []:[]) echo d;; *) echo e;; esac
done
> a1; > b2; > c; echo [[:alpha:]][[:digit:]] [[:alpha:]] [[:alpha:][:digit:]]*
case 'a]' in [[:alpha]) echo 1;; [[:alpha]]) echo 2;; *) echo 3;; esac
case a in [[:alpha:) echo 1;; [[:) echo 2;; [[:alpha:]) echo 3;; *) echo 4;; esac
### operators on all arguments
t='for i in "${*-none}" ${@-none} ${*-none}; do echo "[$i]"; done; echo
for i in "${@:-none}" "${*:-none}" ${@:-none} ${*:-none}; do echo "[$i]"; done; echo
for i in "${@+set}" "${*+set}" ${@+set} ${*+set}; do echo "[$i]"; done; echo
for i in "${@:+set}" "${*:+set}" ${@:+set} ${*:+set}; do echo "[$i]"; done; echo
x=${*-none}; echo $x; x="${@:-none}"; echo $x; echo ${#@} ${#*} ${@#a} "${*#a}" "${@%d}"
(echo ${@?a}); echo $?; (echo "${*:?a}"); echo $?; (echo "${@=x}"); echo $?; (echo ${*:=x}); echo $?'
eval "$t"; set -- ''; eval "$t"; set -- '' ''; eval "$t"; set -- '' a; eval "$t"; set -- abc abd; eval "$t"
