"""The sample service as a process, for tests that kill one."""

from chassis import runtime

runtime.patch()

from chassis import __main__ as runner
from chassis.tests.interface.sample import SampleService

runner.find_service = lambda service: SampleService
runner.run("asset")
