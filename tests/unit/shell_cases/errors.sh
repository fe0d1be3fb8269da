### fi alone
echo a
fi
echo b
### lines before an error run
echo one
echo two; echo three
if true; then
  done
fi
### unexpected operator
echo a; ; echo b
### and at the start
&& echo a
### pipe at the end
echo a |
### unclosed quote
echo "abc
### unclosed single quote
echo 'abc
### unclosed brace
echo ${x
### bad substitution
echo a
echo ${x*y}
echo b
### unclosed command substitution
echo $(echo a
### unclosed if
if true; then echo a
### missing then
if true; echo a; fi
### missing do
for i in a; echo $i; done
### bad for name
for 1x in a; do :; done
### esac missing
case a in a) echo a;;
### close without open
echo a )
### empty subshell
echo x; ( )
### empty group
{ }
### redirection without name
echo a > 
### redirection to an operator
echo a > ; echo b
### do alone
do echo a
### else alone
else
### nested error in command substitution
echo $(if); echo after
### error in sh is its own
sh -c 'fi'; echo $?
### error in eval
(eval 'fi'; echo no); echo $?
### error in dot
echo 'done' > f; (. ./f; echo no); echo $?
### error on one line runs nothing of it
echo a; fi
### error behind a good line in sh
echo 'echo good
)' > f; sh f; echo $?
### double semicolon outside of case
echo a;; echo b
### then without if
then
### unclosed group
{ echo a
### unclosed while
while true; do
### reserved word where a command should be
if; then echo a; fi
