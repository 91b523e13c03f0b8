"""Which split of a flag is meant: the flag's default, a rule's, or the default of a region."""

from dataclasses import dataclass

from shared.domain.names import EnvironmentName, FlagKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitName:
    """One split of one flag in one environment. Of rule and region one is given at most."""

    environment: EnvironmentName
    flag: FlagKey
    rule: str | None = None
    region: str | None = None

    @property
    def in_words(self) -> str:
        """The split for people."""
        flag = f"flag {self.environment}/{self.flag}"
        if self.rule is not None:
            return f"rule {self.rule} of {flag}"
        return f"region {self.region} of {flag}" if self.region is not None else flag
