"""`python -m local.cloud.flag_stores`: both stand-ins until they are interrupted; its first line says where."""

import json
import signal
import sys

from local.cloud.flag_stores.app_configuration import AppConfigurationStandIn
from local.cloud.flag_stores.launchdarkly import LaunchDarklyStandIn
from local.cloud.flag_stores.serving import served


def main() -> int:
    """Serve until SIGINT or SIGTERM. Each argument is the key of a boolean flag that LaunchDarkly has."""
    launchdarkly = LaunchDarklyStandIn()
    for key in sys.argv[1:]:
        launchdarkly.add(key)
    stopping = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stopping)
    with served(AppConfigurationStandIn()) as store, served(launchdarkly) as flags:
        print(json.dumps({"app-configuration": store.url, "launchdarkly": flags.url}), flush=True)
        signal.sigwait(stopping)
    return 0


if __name__ == "__main__":
    sys.exit(main())
