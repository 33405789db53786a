import random as randomness
import sys
import trap_rows
from layout import Code
code = Code()
n=0
for r in trap_rows.rows(randomness.Random(1), code):
    n+=1
print(n, len(code.data))
