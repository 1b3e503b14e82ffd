"""The console script."""
import sys
from kb.library import *
from kb.check import check_library
def main():
    lib, errs = scan([BUILT_IN])
    for e in errs: print(e)
    for p in check_library(lib): print(p)
    print(len(lib.incidents), "incidents", len(lib.groups), "groups")
    return 1 if errs else 0
