### write and read
echo a > f; cat f; cat < f; echo b > f; cat f
### append
echo a > f; echo b >> f; cat f; echo c >> new; cat new
### position in the command
> f echo x; cat f; < f cat; echo 1 > f 2; cat f
### without command
> empty; cat empty; test -e empty; echo $?
### truncates
echo long line > f; > f; cat f; echo end
### several
echo a > f1 > f2; cat f1; cat f2
### standard error
nosuchcommand 2> err; test -s err; echo $?
### both
{ echo out; nosuchcommand; } > both 2>&1; read l < both; echo $l; test -s both; echo $?
### order matters
{ nosuchcommand 2>&1 > f; } | read x; test -s f; echo $?
### to standard error
echo hidden >&2; { echo caught >&2; } 2> f; cat f
### append standard error
nosuchcommand 2> e; nosuchcommand 2>> e; while read l; do echo line; done < e
### of a group
{ echo a; echo b; } > f; cat f; { cat; echo x; } < f
### of a subshell
(echo a; echo b) > f; (cat) < f
### of a loop
for i in 1 2 3; do echo $i; done > f; while read x; do echo "<$x>"; done < f
### of an if and a case
if true; then echo t; fi > f; case a in a) echo c;; esac >> f; cat f
### inner wins
{ echo in > f1; echo out; } > f2; cat f1; echo -; cat f2
### names are expanded
n=file; echo x > $n; echo y > "$n 2"; cat file "file 2"; echo z > $(echo g); cat g
### missing input
cat < nosuchfile; echo $?; echo after
### missing input leaves the shell
{ cat < nosuch; echo inner $?; }; echo outer
### missing directory
echo a > no/such/file; echo $?
### failing redirection of a compound
if true; then echo no; fi < nosuch; echo $?
### here-document
cat <<E
one
two
E
echo after
### here-document expands
x=val; cat <<E
$x ${x} $(echo cmd) $((1+1)) `echo bq`
\$x "quotes" 'single' a\b
E
### here-document quoted
x=val; cat <<'E'
$x $(echo cmd) \$x
E
cat <<"E"
$x
E
cat <<\E
$x
E
### here-document continues lines
cat <<E
a \
b
E
### here-document tabs
cat <<-E
	one
		two
	E
echo end
### here-document in a pipeline
cat <<E | cat
piped
E
### here-documents, two
cat <<A; cat <<B
a
A
b
B
### here-documents, two for one command
cat <<A <<B
a
A
b
B
### here-document in a loop
for i in 1 2; do cat <<E
[$i]
E
done
### here-document in a group
{ cat; echo end; } <<E
text
E
### here-document in a command substitution
x=$(cat <<E
inner
E
); echo "$x"
### here-document empty
cat <<E
E
echo $?
### here-document with while read
while read a b; do echo "$b-$a"; done <<E
1 2
3 4 5
E
### here-document and more on the line
cat <<E && echo and
text
E
### here-document at the end of the file
cat <<E
unended
### here-document with default
cat <<E
${x:-none} "${x:-a b}" ${x:+set}
E
### input is shared
{ read a; read b; echo $b $a; } <<E
1
2
E
### read and write
echo abc > f; cat <> f
### clobber
echo a > f; echo b >| f; cat f
### same for input
echo x > f; { cat <&0; } < f
### digits are arguments when apart
echo 2 > f; cat f; echo a2> f; cat f; echo 2>f; cat f
### descriptor out of range
echo a 2>&5; echo $?
### appending from a loop
for i in 1 2 3; do echo $i >> f; done; cat f
### assignments with redirection
x=1 > f; echo $x; test -e f; echo $?
### output while reading the same name
echo a > f; cat f > g; cat g >> f; cat f
### compound that cannot be redirected ends set -e
(set -e; { echo a; } < nothere; echo b); echo $?; (set -e; if true; then echo a; fi < nothere; echo b); echo $?
(set -e; { echo a; } < nothere || echo c; echo b); echo $?
### here-document that its command substitution cuts off
echo "[$(cat <<E)]"
echo two
### standard error is closed
ls /not-there 2>&-; echo $?
### here-document with an empty delimiter
cat <<''
one

echo two
### here-documents of two commands
cat <<A; cat <<B
a $((1+1))
A
b `echo c`
B
