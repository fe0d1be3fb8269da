### basic
echo $((1+2)) $((7-10)) $((3*4)) $((17/5)) $((17%5)) $((-17/5)) $((-17%5))
### precedence
echo $((1+2*3)) $(((1+2)*3)) $((2*3+4*5)) $((10-3-2)) $((100/10/2)) $((-2*-3))
### comparison
echo $((1<2)) $((2<1)) $((1<=1)) $((2>=3)) $((1==1)) $((1!=1)) $((3>2))
### logic
echo $((1&&0)) $((1&&2)) $((0||3)) $((0||0)) $((!0)) $((!5)) $((1||0&&0))
### bits
echo $((6&3)) $((6|3)) $((6^3)) $((~0)) $((1<<10)) $((1024>>3)) $((-8>>1)) $((1|2^3&4))
### variables
x=5; y=x; echo $((x+1)) $(($x+1)) $((x*x)) $((nothing+1)) $((${x}0))
### negative variable
x=-3; echo $((x+1)) $((-x)) $((- x)) $((2-x))
### bases
echo $((0x10)) $((010)) $((0)) $((0xff+1))
### 64 bits
echo $((9223372036854775807)) $((9223372036854775807+1)) $((1<<63)) $((4294967296*4))
### ternary
x=3; echo $((x>2?10:20)) $((x>5?10:20)) $((0?1:0?2:3)) $((1?2:3+4))
### short circuit
echo $((0&&1/0)) $((1||1/0)) $((1?5:1/0))
### nested
echo $(( $((1+1)) * $(echo 3) )) $(( (((1))) ))
### blanks
echo $((   1   +   2   )) $((1
+
2))
### division by zero
echo $((1/0)); echo after
### modulo by zero
(echo $((1%0))); echo $?
### syntax error
(echo $((1+))); echo $?
### illegal number
x=abc1z; (y=7z; echo $((y+1))); echo $?
### counting
i=0; while [ $i -lt 5 ]; do i=$((i+1)); done; echo $i
### in quotes
echo "$((1+1)) and $((2+2))" '$((1+1))'
### as an index of seconds
t=3725; echo $((t/3600)):$((t%3600/60)):$((t%60))
### unary chain
echo $((!!3)) $((~~5)) $((!-1)) $((+4))
### shift and compare
echo $((1<<2+1)) $((1<<2<5)) $((5&4==4))
### result splits not
IFS=1; set -- "$((110))"; echo "$#"
### assignment
x=4; echo $((x = 5)) $x $((x += 2)) $((x <<= 3)) $((x -= y = 6)) $x $y
### assignment in a loop
i=0; while [ $((i += 1)) -le 4 ]; do echo $i; done
### assignment that is left out
x=1; echo $((0 && (x = 2))) $((1 || (x = 3))) $((1 ? 7 : (x = 4))) $x
### assignment is no comparison
x=1; echo $((x == 1)) $((x <= 1)) $((x >= 2)) $((x != 1)) $x
### unary operators
echo $((- -1)) $((!0)) $((!5)) $((~0)) $((-+-3)) $((! ! 7))
### blanks around a variable's value
for n in ' 7' '7 ' ' -7' '	+7	' ' ' '' ' 0x10 ' '
7'; do echo $((n)) $((n + 1)); done
n='7 8'; echo $((n))
### a sign and a number apart
n='- 7'; echo $((n))
### operators that do not assign
for op in == != '<=' '>=' '&&' '||' = '<' '>' ; do (x=1; eval "echo \$((x$op=1)) \$x"); echo $?; done
### operators that assign
for op in '*' / % + - '<<' '>>' '&' ^ '|' ''; do (x=5; eval "echo \$((x$op=2)) \$x"); done
