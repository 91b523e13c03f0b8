"""Members of a release, as stories: what opens their way is told by hand, and every report is kept."""

from shared.domain.names import CommandId, ReleaseId, RolloutId, Version
from shared.domain.rollout.commands import Deploy, Steer, TellOfRelease
from shared.domain.rollout.effects import TellRelease
from shared.domain.rollout.membership import CLOSED, END, Membership, Report, Stage, Standing
from shared.domain.rollout.spec import Spec, Topic
from shared.domain.rollout.state import Doing
from tests.unit.domain.specs import HOUR, WEBHOOK, spec
from tests.unit.domain.states import Story

MEMBERSHIP = Membership(release=ReleaseId("autumn"), rollout=RolloutId("shop-1"), patience=HOUR)
DEPLOY = Deploy(
    id=CommandId("begin"), rollout=RolloutId("shop-1"), version=Version("2"), source="release", membership=MEMBERSHIP
)
TELL = TellOfRelease(
    id=CommandId("told"),
    rollout=MEMBERSHIP.rollout,
    topic=Topic.STARTED,
    text="release autumn began",
    notifications=(WEBHOOK,),
)


def steer(opened: Stage = CLOSED, *, back: str = "") -> Steer:
    return Steer(
        id=CommandId(f"steer-{opened}-{back}"),
        membership=MEMBERSHIP,
        opened=opened,
        back=back,
        ends="rolled-back" if back else "",
        back_as=RolloutId("shop-9"),
    )


class Member(Story):
    """An application that a release brings version 2 to. Every report is kept."""

    def __init__(self, first: Spec | None = None) -> None:
        super().__init__(first or spec())
        self.site.candidate = "2"
        self.tell(DEPLOY)

    @property
    def told(self) -> Report:
        """What the release was told last."""
        return [row.effect for row in self.opened if isinstance(row.effect, TellRelease)][-1].report

    def open(self, stage: int) -> "Member":
        self.tell(steer(Stage(stage)))
        return self

    def go_back(self, why: str = "web goes back") -> "Member":
        self.tell(steer(back=why))
        return self

    def wait_before(self, stage: Stage) -> "Member":
        """Go on, each stage opened as it is reached, to the wait before this one; a person approves at once."""
        for _ in range(9):
            self.go_until(lambda: self.told.standing is Standing.WAITING or self.live.doing is Doing.AWAITING_APPROVAL)
            if self.live.doing is Doing.AWAITING_APPROVAL:
                self.override("approve").tick()
            elif self.told.stage == stage:
                return self
            else:
                self.open(self.told.stage).tick()
        raise AssertionError(f"never before {stage}")


def member_that_remains() -> Story:
    """A release brings version 2, which is followed by version 3 before the release would take it back."""
    member = Member().wait_before(END).open(END)
    member.go_to_end()
    member.settle().deploy("3", 3).go_back()
    return member.settle()


def member_that_tells_of_its_release() -> Story:
    """A release brings version 2, and has a member's webhook told that it began."""
    member = Member(spec(notifications=(WEBHOOK,))).wait_before(Stage(1))
    member.tell(TELL)
    return member.settle()


def member_taken_back() -> Story:
    """A release takes version 2 back half way, though a person had paused it."""
    member = Member().wait_before(Stage(2)).override("pause").go_back()
    member.go_to_end()
    return member.settle()
