"""What a user would pick instead: the same page from the same data by Flask, Django and Express.

The files here run in environments of their own, and import nothing of Doorstep; `case` starts and asks them.
"""
