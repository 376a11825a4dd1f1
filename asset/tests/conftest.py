from chassis import runtime

runtime.patch()

from chassis.testing.fixtures import *
