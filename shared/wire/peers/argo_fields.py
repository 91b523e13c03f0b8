"""What is known beforehand of the fields of Argo Rollouts: which need nothing here, and which have no equal.

Fields that become a part of the release spec are said where that happens; what stands here of them holds when it does
not happen.
"""

from typing import Final

from shared.wire.peers.accounts import Fate, Known, known_fields
from shared.wire.peers.common_fields import COMMON, EMPTY, LEFT_OUT

_NO: Final = Fate.NO_EQUAL
_IDLE: Final = Fate.NOT_NEEDED
_PODS: Final = (_IDLE, "the pods stay as they are in the cluster; Slipway moves traffic only")
_SCALING: Final = (
    _NO,
    "Slipway makes and scales no pods; chosen: left out. Both Services keep pods of their own, in Deployments that CI "
    "updates",
)
_RUNS: Final = (_IDLE, "no objects are kept in the cluster for an analysis; the history is kept whole")
_ROUTER: Final = (
    _NO,
    "no such router is driven; chosen: an HTTPRoute, which most meshes and ingress controllers take (targets[0].kind)",
)
_UNUSED: Final = (_IDLE, "no Rollout here uses this template")


def _analysis(at: str) -> dict[str, tuple[Fate, str]]:
    return {
        at: EMPTY,
        f"{at}.templates": EMPTY,
        f"{at}.templateName": LEFT_OUT,
        f"{at}.clusterScope": LEFT_OUT,
        f"{at}.args": (_IDLE, "nothing that was taken asks for it"),
        f"{at}.dryRun": EMPTY,
        f"{at}.measurementRetention": _RUNS,
        f"{at}.analysisRunMetadata": _RUNS,
        f"{at}.startingStep": (
            _NO,
            "guards hold from the first user on; chosen: they hold at every step",
        ),
    }


_STEP: Final = "spec.strategy.canary.steps[]"
_ROUTING: Final = "spec.strategy.canary.trafficRouting"

ROLLOUT: Final[Known] = known_fields(
    "Rollout",
    {
        **COMMON,
        "spec": EMPTY,
        "spec.replicas": _PODS,
        "spec.selector": _PODS,
        "spec.template": _PODS,
        "spec.workloadRef": (_IDLE, "the workload stays as it is; Slipway watches its two Services from outside"),
        "spec.minReadySeconds": LEFT_OUT,
        "spec.revisionHistoryLimit": (_IDLE, "no ReplicaSets are kept; the history of releases is kept whole"),
        "spec.progressDeadlineSeconds": LEFT_OUT,
        "spec.progressDeadlineAbort": LEFT_OUT,
        "spec.paused": LEFT_OUT,
        "spec.restartAt": (_NO, "Slipway restarts no pods; chosen: left out (kubectl rollout restart)"),
        "spec.rollbackWindow": (
            _NO,
            "going back is a release of its own, in one hop while the version before is warm; chosen: keepWarm, which "
            "is a time and no number of versions",
        ),
        "spec.analysis": _RUNS,
        "spec.strategy": EMPTY,
        "spec.strategy.canary": EMPTY,
        "spec.strategy.canary.canaryService": LEFT_OUT,
        "spec.strategy.canary.stableService": LEFT_OUT,
        "spec.strategy.canary.pingPong": EMPTY,
        "spec.strategy.canary.pingPong.pingService": LEFT_OUT,
        "spec.strategy.canary.pingPong.pongService": LEFT_OUT,
        "spec.strategy.canary.maxSurge": _SCALING,
        "spec.strategy.canary.maxUnavailable": _SCALING,
        "spec.strategy.canary.minPodsPerReplicaSet": _SCALING,
        "spec.strategy.canary.dynamicStableScale": _SCALING,
        "spec.strategy.canary.abortScaleDownDelaySeconds": _SCALING,
        "spec.strategy.canary.scaleDownDelaySeconds": LEFT_OUT,
        "spec.strategy.canary.scaleDownDelayRevisionLimit": _SCALING,
        "spec.strategy.canary.antiAffinity": _PODS,
        "spec.strategy.canary.canaryMetadata": _PODS,
        "spec.strategy.canary.stableMetadata": _PODS,
        "spec.strategy.canary.replicaProgressThreshold": (
            _NO,
            "pods are not counted; chosen: targets[].health, which must answer before users are sent",
        ),
        **_analysis("spec.strategy.canary.analysis"),
        "spec.strategy.canary.steps": EMPTY,
        _STEP: EMPTY,
        f"{_STEP}.setWeight": LEFT_OUT,
        f"{_STEP}.pause": EMPTY,
        f"{_STEP}.pause.duration": LEFT_OUT,
        f"{_STEP}.setCanaryScale": _SCALING,
        f"{_STEP}.setHeaderRoute": (
            _NO,
            "a canary divides requests by weight alone; chosen: left out. An experiment sends an audience by a header",
        ),
        f"{_STEP}.setMirrorRoute": (_NO, "requests are not mirrored; chosen: left out"),
        f"{_STEP}.experiment": (
            _NO,
            "no pods are started beside the two versions; chosen: left out, its analyses too. Test the candidate at "
            "its own host in CI, or before the switch of a blue-green release",
        ),
        f"{_STEP}.plugin": LEFT_OUT,
        f"{_STEP}.replicaProgressThreshold": (
            _NO,
            "pods are not counted; chosen: targets[].health, which must answer before users are sent",
        ),
        **_analysis(f"{_STEP}.analysis"),
        _ROUTING: EMPTY,
        f"{_ROUTING}.alb": _ROUTER,
        f"{_ROUTING}.ambassador": _ROUTER,
        f"{_ROUTING}.apisix": _ROUTER,
        f"{_ROUTING}.appMesh": _ROUTER,
        f"{_ROUTING}.istio": _ROUTER,
        f"{_ROUTING}.nginx": _ROUTER,
        f"{_ROUTING}.smi": _ROUTER,
        f"{_ROUTING}.traefik": _ROUTER,
        f"{_ROUTING}.plugins": EMPTY,
        f"{_ROUTING}.plugins.*": _ROUTER,
        f"{_ROUTING}.managedRoutes": (_IDLE, "no routes are made beside the one whose weights are set"),
        f"{_ROUTING}.maxTrafficWeight": LEFT_OUT,
        "spec.strategy.blueGreen": EMPTY,
        "spec.strategy.blueGreen.activeService": LEFT_OUT,
        "spec.strategy.blueGreen.previewService": LEFT_OUT,
        "spec.strategy.blueGreen.autoPromotionEnabled": LEFT_OUT,
        "spec.strategy.blueGreen.autoPromotionSeconds": LEFT_OUT,
        "spec.strategy.blueGreen.scaleDownDelaySeconds": LEFT_OUT,
        "spec.strategy.blueGreen.scaleDownDelayRevisionLimit": _SCALING,
        "spec.strategy.blueGreen.abortScaleDownDelaySeconds": _SCALING,
        "spec.strategy.blueGreen.previewReplicaCount": _SCALING,
        "spec.strategy.blueGreen.maxUnavailable": _SCALING,
        "spec.strategy.blueGreen.antiAffinity": _PODS,
        "spec.strategy.blueGreen.activeMetadata": _PODS,
        "spec.strategy.blueGreen.previewMetadata": _PODS,
        **_analysis("spec.strategy.blueGreen.prePromotionAnalysis"),
        **_analysis("spec.strategy.blueGreen.postPromotionAnalysis"),
    },
)

_METRIC: Final = "spec.metrics[]"
_COUNTS: Final = (
    _NO,
    "measurements are not counted but pooled; chosen: guards[].over, whose windows together decide",
)

ANALYSIS_TEMPLATE: Final[Known] = known_fields(
    "AnalysisTemplate",
    {
        **COMMON,
        "spec": _UNUSED,
        "spec.args": (_IDLE, "nothing that was taken asks for it"),
        "spec.templates": _UNUSED,
        "spec.dryRun": _UNUSED,
        "spec.measurementRetention": _RUNS,
        "spec.metrics": _UNUSED,
        _METRIC: _UNUSED,
        f"{_METRIC}.name": _UNUSED,
        f"{_METRIC}.interval": _UNUSED,
        f"{_METRIC}.initialDelay": (
            _NO,
            "windows are looked at from the first user on; chosen: judgement.warmUp, while which it may look cold",
        ),
        f"{_METRIC}.count": _COUNTS,
        f"{_METRIC}.failureLimit": _COUNTS,
        f"{_METRIC}.inconclusiveLimit": (
            _NO,
            "what is neither good nor bad waits; chosen: bake.max, after which bake.otherwise happens",
        ),
        f"{_METRIC}.consecutiveErrorLimit": (
            _NO,
            "an error of the source is never a pass nor a fault; chosen: bake.max, after which bake.otherwise happens",
        ),
        f"{_METRIC}.consecutiveSuccessLimit": _COUNTS,
        f"{_METRIC}.successCondition": _UNUSED,
        f"{_METRIC}.failureCondition": _UNUSED,
        f"{_METRIC}.provider": _UNUSED,
    },
)
