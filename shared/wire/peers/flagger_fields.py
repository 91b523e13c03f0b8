"""What is known beforehand of the fields of Flagger: which need nothing here, and which have no equal.

Fields that become a part of the release spec are said where that happens; what stands here of them holds when it does
not happen.
"""

from typing import Final

from shared.wire.peers.accounts import Fate, Known, known_fields
from shared.wire.peers.common_fields import COMMON, EMPTY, LEFT_OUT

_NO: Final = Fate.NO_EQUAL
_IDLE: Final = Fate.NOT_NEEDED
_CLUSTER: Final = (
    _IDLE,
    "stays with the cluster: Slipway makes no Services, and changes nothing of a route but weights",
)
_SCALING: Final = (_IDLE, "scaling stays with the cluster; Slipway moves traffic only")
_ROUTER: Final = (_IDLE, "belongs to the router that Flagger drives; here the target is an HTTPRoute")
_COOKIE: Final = (
    _NO,
    "the weights of an HTTPRoute divide requests, not users; chosen: no affinity. An experiment whose audience is a "
    "cookie keeps users with one version",
)
_MATCH: Final = (_NO, "no other condition than one exact header or cookie is taken; chosen: left out")
_WEBHOOK: Final = (_NO, "a release spec calls no webhook during the analysis; chosen: left out")
_CHAT: Final = (
    _NO,
    "chat services want bodies of their own, and their addresses are secrets; chosen: no notification. Name an https "
    "address in notifications that passes Slipway's own body on",
)
_TEMPLATE_IDLE: Final = (_IDLE, "no Canary here uses this template")

_SERVICE_FIELDS: Final = (
    *("apex", "appProtocol", "backendTimeout", "backends", "canary", "corsPolicy", "delegation", "gateways"),
    *("headers", "headless", "match", "meshName", "name", "port", "portDiscovery", "portName", "primary", "retries"),
    *("rewrite", "targetPort", "timeout", "trafficDistribution", "trafficPolicy", "unmanagedMetadata"),
)


def _analysis(at: str) -> dict[str, tuple[Fate, str]]:
    metric, webhook, alert = f"{at}.metrics[]", f"{at}.webhooks[]", f"{at}.alerts[]"
    return {
        at: EMPTY,
        f"{at}.interval": LEFT_OUT,
        f"{at}.iterations": LEFT_OUT,
        f"{at}.threshold": LEFT_OUT,
        f"{at}.maxWeight": LEFT_OUT,
        f"{at}.stepWeight": LEFT_OUT,
        f"{at}.stepWeights": EMPTY,
        f"{at}.stepWeightPromotion": (
            _NO,
            "the promotion moves all users at once; chosen: strategy.canary.promotion, after which the new version is "
            "watched with the old one kept",
        ),
        f"{at}.mirror": (
            _NO,
            "requests are not mirrored; chosen: left out. A blue-green release asks the new version by itself before "
            "any user is sent to it (targets[].health.passes)",
        ),
        f"{at}.mirrorWeight": (_NO, "requests are not mirrored; chosen: left out"),
        f"{at}.primaryReadyThreshold": (
            _NO,
            "pods are not counted; chosen: targets[].health, which must answer on the stable version's place",
        ),
        f"{at}.canaryReadyThreshold": (
            _NO,
            "pods are not counted; chosen: targets[].health, which must answer before users are sent",
        ),
        f"{at}.match": _MATCH,
        f"{at}.match[].headers": _MATCH,
        f"{at}.match[].queryParams": _MATCH,
        f"{at}.match[].sourceLabels": _MATCH,
        f"{at}.metrics": EMPTY,
        metric: EMPTY,
        f"{metric}.name": LEFT_OUT,
        f"{metric}.interval": LEFT_OUT,
        f"{metric}.threshold": LEFT_OUT,
        f"{metric}.thresholdRange": EMPTY,
        f"{metric}.query": LEFT_OUT,
        f"{metric}.templateRef": EMPTY,
        f"{metric}.templateVariables": EMPTY,
        f"{at}.alerts": EMPTY,
        alert: _CHAT,
        f"{at}.webhooks": EMPTY,
        webhook: _WEBHOOK,
        f"{webhook}.name": _WEBHOOK,
        f"{webhook}.type": _WEBHOOK,
        f"{webhook}.url": _WEBHOOK,
        f"{webhook}.timeout": (_NO, "the time-out is Slipway's own; chosen: left out"),
        f"{webhook}.retries": (_NO, "retries are Slipway's own; chosen: left out"),
        f"{webhook}.disableTLS": (_NO, "certificates are always verified; chosen: verified"),
        f"{webhook}.muteAlert": (_NO, "nothing is muted by webhook; chosen: notifications[].topics"),
        f"{webhook}.metadata": (_NO, "the body is Slipway's own; chosen: left out"),
        f"{at}.sessionAffinity": _COOKIE,
    }


CANARY: Final[Known] = known_fields(
    "Canary",
    {
        **COMMON,
        "spec": EMPTY,
        "spec.provider": LEFT_OUT,
        "spec.metricsServer": LEFT_OUT,
        "spec.progressDeadlineSeconds": LEFT_OUT,
        "spec.targetRef": (_IDLE, "the workload stays as it is; Slipway watches its two Services from outside"),
        "spec.autoscalerRef": _SCALING,
        "spec.ingressRef": _ROUTER,
        "spec.routeRef": _ROUTER,
        "spec.upstreamRef": _ROUTER,
        "spec.service": _CLUSTER,
        **{f"spec.service.{name}": _CLUSTER for name in _SERVICE_FIELDS},
        "spec.service.hosts": (_IDLE, "the HTTPRoute keeps its host names"),
        "spec.service.gatewayRefs": (_IDLE, "the HTTPRoute keeps its gateways"),
        "spec.service.mirror": (_NO, "requests are not mirrored; chosen: left out"),
        "spec.skipAnalysis": LEFT_OUT,
        "spec.revertOnDeletion": (_IDLE, "Slipway changes weights only, and leaves nothing behind to revert"),
        "spec.suspend": LEFT_OUT,
        **_analysis("spec.analysis"),
        **_analysis("spec.canaryAnalysis"),
    },
)

METRIC_TEMPLATE: Final[Known] = known_fields(
    "MetricTemplate",
    {
        **COMMON,
        "spec": _TEMPLATE_IDLE,
        "spec.provider": _TEMPLATE_IDLE,
        "spec.provider.type": _TEMPLATE_IDLE,
        "spec.provider.address": _TEMPLATE_IDLE,
        "spec.provider.headers": _TEMPLATE_IDLE,
        "spec.provider.secretRef": _TEMPLATE_IDLE,
        "spec.provider.region": _TEMPLATE_IDLE,
        "spec.provider.insecureSkipVerify": _TEMPLATE_IDLE,
        "spec.query": _TEMPLATE_IDLE,
    },
)

ALERT_PROVIDER: Final[Known] = known_fields(
    "AlertProvider",
    {
        **COMMON,
        "spec": EMPTY,
        **{f"spec.{name}": _CHAT for name in ("type", "channel", "username", "address", "proxy", "secretRef")},
    },
)
