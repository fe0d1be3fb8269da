### test strings
test a; echo $?; test ""; echo $?; test; echo $?; [ a = a ]; echo $?; [ a = b ]; echo $?; [ a != b ]; echo $?
### test lengths
[ -n a ]; echo $?; [ -n "" ]; echo $?; [ -z "" ]; echo $?; [ -z a ]; echo $?
### test numbers
[ 1 -eq 1 ]; echo $?; [ 1 -ne 1 ]; echo $?; [ 1 -lt 2 ]; echo $?; [ 2 -le 1 ]; echo $?; [ -5 -gt -6 ]; echo $?; [ 10 -ge 9 ]; echo $?; [ 010 -eq 10 ]; echo $?
### test bad number
[ a -eq 1 ] 2>/dev/null; echo $?; [ 1 -eq 1x ] 2>/dev/null; echo $?
### test files
: > f; echo x > g; mkdir d
for t in -e -f -d -s -r -w; do for n in f g none; do test $t $n; echo [$t] $n $?; done; done
for t in -e -f -d; do test $t d; echo [$t] $?; done
### test devices
[ -c /dev/null ]; echo $?; [ -b /dev/null ]; echo $?; [ -e /dev/zero ]; echo $?
### test not
[ ! a ]; echo $?; [ ! "" ]; echo $?; [ ! a = b ]; echo $?; test ! -e nosuch; echo $?
### test and or
[ a -a b ]; echo $?; [ a -a "" ]; echo $?; [ "" -o b ]; echo $?; [ "" -o "" ]; echo $?; [ 1 = 1 -a 2 = 2 -o x = y ]; echo $?
### test parentheses
[ \( a = a \) ]; echo $?; [ \( a = b -o c = c \) -a d ]; echo $?; [ ! \( a \) ]; echo $?
### test awkward operands
[ = ]; echo $?; [ ! ]; echo $?; [ -n ]; echo $?; [ -f ]; echo $?; [ "(" = "(" ]; echo $?; [ -a = -a ]; echo $?; [ ! = ! ]; echo $?; [ "!" ]; echo $?
### test missing bracket
[ a 2>/dev/null; echo $?
### test order
[ a \< b ]; echo $?; [ b \> a ]; echo $?
### test too many
[ a b c ] 2>/dev/null; echo $?
### cd and pwd
mkdir d d/e; top=$(pwd); cd d; [ "$(pwd)" = "${top%/}/d" ]; echo $?; cd e; cd ..; [ "$PWD" = "${top%/}/d" ]; echo $?; cd "$top"; echo $?
### cd minus
mkdir d; top=$PWD; cd d; cd - > /dev/null; [ "$PWD" = "$top" ]; echo $?; [ "${OLDPWD##*/}" = d ]; echo $?
### cd fails
cd nosuch; echo $?; : > f; cd f; echo $?
### cd home
HOME=/; cd; pwd
### set arguments
set -- a 'b c'; echo $# "$2"; set x; echo $# $1; set -- -e; echo "[$1]"; set --; echo $#
### shift
set -- a b c d; shift; echo $1 $#; shift 2; echo $1 $#; shift 0; echo $#
### shift too far
(set -- a; shift 2; echo no) ; echo $?
### set -e
set -e; echo a; false; echo no
### set -e with conditions
set -e; if false; then :; fi; false || echo or; ! true; while false; do :; done; false && true; echo still
### set -e in subshell
(set -e; false; echo no); echo $?; set -e; (false); echo no
### set -e in group and list
set -e; { true; false; echo no; }; echo no
### set -e pipeline
set -e; false | true; echo a; true | false; echo no
### set -e assignment
set -e; x=$(false); echo no
### set -e command substitution argument
set -e; echo $(false) ok
### set -e and or last
set -e; true && false; echo no
### set -e off
set -e; set +e; false; echo yes
### set -e in condition of group
set -e; if { false; true; }; then echo yes; fi; { false; echo inner; } || echo or
### set -e not found
set -e; nosuchcommand; echo no
### set -e failing redirection
set -e; cat < nosuch; echo no
### set -x goes to standard error
set -x; echo a 2>/dev/null; x=1
### eval
x='echo $y'; y=val; eval $x; eval 'z=3;' 'echo $z'; eval; echo $?; eval false; echo $?
### eval with quotes
eval "echo 'a  b'" '"c  d"'
### eval leaves loops
for i in 1 2; do echo $i; eval break; done
### dot
echo 'x=5; echo in $y' > f; y=arg; . ./f; echo $x
### dot status
echo 'false' > f; . ./f; echo $?
### sh file
echo 'echo $0 $# $1; x=2; exit 6' > f; x=1; sh f a b; echo $? $x
### sh -c
sh -c 'echo $0 $1' name arg; sh -c 'exit 5'; echo $?
### sh -e
sh -e -c 'false; echo no'; echo $?
### sh missing file
sh nosuch || echo failed
### sh input
echo 'echo from input' | sh
### sh restores directory
mkdir d; sh -c 'cd d'; [ -e d ]; echo $?
### sh within sh
echo 'if [ $1 -gt 0 ]; then echo $1; sh ./f $(($1-1)); fi; exit $1' > f; sh ./f 5; echo $?
### read
echo 'a b c' > f; read x y < f; echo "[$x][$y]"; read x < f; echo "[$x]"; read x y z w < f; echo "[$z][$w]"
### read strips blanks
echo '   a   b   ' > f; read x < f; echo "[$x]"; read x y < f; echo "[$x][$y]"
### read with IFS
echo 'a:b:c' > f; IFS=: read x y < f; echo "[$x][$y]"; echo 'a::c' > f; IFS=: read x y z < f; echo "[$x][$y][$z]"
### read without splitting
echo '  a  b ' > f; IFS= read x < f; echo "[$x]"
### read end of file
: > f; read x < f; echo $? "[$x]"
### read second line
echo a > f; { read a; read b; echo $? "[$a][$b]"; } < f
### read backslash
cat > f <<'E'
a\ b c\
d
E
read x y < f; echo "[$x][$y]"; read -r x < f; [ "$x" = 'a\ b c\' ]; echo $?
### read several lines
{ echo 1; echo 2; echo 3; } > f; { while read n; do s=$((s+n)); done; echo $s; } < f
### true false colon
true a b; echo $?; false a; echo $?; : a b; echo $?
### colon expands
: ${x:=5}; echo $x
### exit status of exit
(true; exit); echo $?; (false; exit); echo $?
### variables stay in loops
for i in 1 2; do x=$x$i; done; echo $x $i
### dollar zero
sh -c 'echo ${0}' zero
### unset arguments do not exist
echo "[$1]$#"
### printf of texts and numbers
printf '%s|%5s|%-5s|%.2s|%c\n' one two three four five; printf '%d %i %5d|%-5d|%05d|%+d\n' 1 -2 3 4 5 6
printf '%x %X %#x %o %u\n' 255 255 255 8 7; printf '%d %d %d\n' 0x10 010 "'A"
### printf uses its format again
printf '%s-%s\n' a b c; printf 'x\n' a b; printf '%s\n' 1 2 3
### printf's escapes
printf 'a\tb\101\\\n'; printf '%b|%s\n' 'a\tb\0101' 'a\tb'; printf 'a%bb\n' 'x\cy'; echo
### printf with stars
printf '%*s|%-*s|%.*s\n' 5 a 5 b 2 cde
### printf of what is no number
printf '%d\n' abc 2>/dev/null; echo $?; printf '%d\n' 3x 2>/dev/null; echo $?; printf '%d %s\n'; echo $?
### printf without a newline, of percents
printf '100%%'; printf '%s' a; printf ''; echo
### a script that is not there
./not-there; echo $?
### read and a separator at the end
for line in a:b: a:b:: b:: b: "a:b : " "a:b :c: " a:: a: "a: b:c:" : :: "a b: " "a b :" "a b :  :" "a b\\ :" "a\\\\ " "a: :" "a:  :b:" "a:b\\:" " : "; do
    x= y= z=
    printf '%s\n' "$line" > f; IFS=": " read x < f; echo "[$x][$y][$z]"; IFS=: read x < f; echo "[$x][$y][$z]"
done
for line in a:b: a:b:: b:: b: "a:b : " "a:b :c: " a:: a: "a: b:c:" : :: "a b: " "a b :" "a b :  :" "a b\\ :" "a\\\\ " "a: :" "a:  :b:" "a:b\\:" " : "; do
    x= y= z=
    printf '%s\n' "$line" > f; IFS=": " read x y < f; echo "[$x][$y][$z]"; IFS=: read x y < f; echo "[$x][$y][$z]"
done
for line in a:b: a:b:: b:: b: "a:b : " "a:b :c: " a:: a: "a: b:c:" : :: "a b: " "a b :" "a b :  :" "a b\\ :" "a\\\\ " "a: :" "a:  :b:" "a:b\\:" " : "; do
    x= y= z=
    printf '%s\n' "$line" > f; IFS=": " read x y z < f; echo "[$x][$y][$z]"; IFS=: read x y z < f; echo "[$x][$y][$z]"
done
### an assignment in front of a special builtin stays
x=1 :; echo $x; x=2 eval 'echo $x'; echo $x; x=3 export y=2; echo $x; x=4 set a b; echo $x $1; x=5 shift; echo $x $1
x=6 . /dev/null; echo $x; x=7 unset y; echo $x; for i in 1 2; do x=8$i continue; done; echo $x
x=9; x=10 eval 'x=11'; echo $x; x=12 eval x=13 :; echo $x
x=14 true; echo $x; x=15 cd /; echo $x; (x=16 :; echo $x); echo $x; x=17 exit 3
### a redirection of a special builtin that fails
(: > /nosuch/a; echo no); echo $?; (eval : < /nosuch/a; echo no); echo $?; (export x=1 > /nosuch/a; echo no); echo $?
true > /nosuch/a; echo $?; { :; } > /nosuch/a; echo $?
set -- a; set -- b < /nosuch; echo no
### a script for the dot that is not there
(. ./nosuch; echo no); echo $?; sh -c '. ./nosuch; echo no'; echo $?
. ./nosuch || echo no
### the status of nothing
false; eval ''; echo $?; false; eval '  '; echo $?; false; eval '# a'; echo $?; false; eval; echo $?
false; eval 'echo $?'; echo $?; false; eval '
'; echo $?
: > f; false; . ./f; echo $?; echo > f; false; . ./f; echo $?; echo 'echo $?' > f; false; . ./f; false; sh ./f
false; sh -c ''; echo $?; false; : "$(eval '')"; echo $?
