"""When the next look into a step is due, and who pays for it. Pure: counts and seconds only."""

import math

ALLOWANCE_S = 0.3
"""Processor time of one process for the looks of its first steps, which tell most; nothing else pays for them."""
UNUSUAL, USUAL_S = 3, 0.03
"""Of so many first looks of a process no more than this is charged for each, seconds: they load code, open the pipeline
and search for models, which the next ones do not."""
ESCALATION_S = 0.2
"""The same for looks at steps after a first sign of trouble."""
BUDGET_SHARE = 0.04
"""Share of the budget that looks may use on top of the allowance."""
ASKED_SHARE = 0.3
"""The same where the user has set the distance between two looks: hooks, records and judging need the rest."""
GROWTH = 1.5
"""As long as there is allowance, a look comes at the latest at so many times the step of the one before."""
TROUBLE_SHARE = 0.05
"""Share of the time that looks may use while something is wrong and the allowance for that is used up."""
LEAST_BETWEEN = 50
"""Steps between two looks, at least, once the first steps are over."""
TROUBLE_STEPS = 10
"""Steps after a sign of trouble with a look at each, as far as that is paid for."""
ALARM_STEPS, CALM_STEPS = 1, 50
"""The same after a number that is unusual, which may be no more than noise. Each further alarm that comes before so
many steps have been calm doubles it, up to `TROUBLE_STEPS`."""
BARE = ((2, 1), (14, 3))
"""Steps from which on further looks are asked for, and how many, if no parameter has had a gradient yet: rules judge
the start, and want to see that it lasts."""
SPARSE = 32
"""Step up to which looks are at doubled distances: they are what first steps are judged by."""
NEVER = 1 << 62
_WEIGHT = 0.3
"""Weight of the latest measurement in the average cost of a look."""


class Purse:
    """What all optimizers of a process may use once.

    Attributes:
        first_s: Left for first steps, seconds.
        trouble_s: Left for looks when something is wrong, seconds.
        spent_s: What has been paid from here, seconds.
        looks: Looks that have been paid for.
    """

    def __init__(self, first_s: float = ALLOWANCE_S, trouble_s: float = ESCALATION_S) -> None:
        self.first_s = first_s
        self.trouble_s = trouble_s
        self.spent_s = 0.0
        self.looks = 0


class Schedule:
    """When the steps of one optimizer are looked at.

    Args:
        purse: Of the process.
        share: Share of the time that watching may cost; with 0 there are no looks.

    Attributes:
        next_step: Number of the step, counted by optimizer, at which the next look is due.
        skip: Steps to come for which it is not looked at on behalf of this optimizer, which has not stepped lately.
        misses: How often a look was due and another optimizer stepped.
    """

    __slots__ = (
        "_alarmed",
        "_bare",
        "_burst",
        "_calls",
        "_cost_s",
        "_more",
        "_period",
        "_purse",
        "_share",
        "_stepped",
        "_trouble",
        "misses",
        "next_step",
        "skip",
    )

    def __init__(self, purse: Purse, share: float) -> None:
        self._purse = purse
        self._share = share
        self._cost_s: float | None = None
        self._trouble, self._alarmed = 0, -CALM_STEPS - 1
        self._burst = ALARM_STEPS
        self._bare = self._more = 0
        self._stepped, self._calls, self._period = -1, 0, 0
        # Programs that make an optimizer for each task must not get looks for each of them.
        self.next_step = (0 if purse.first_s > 0 else LEAST_BETWEEN) if share > 0 else NEVER
        self.skip = self.misses = 0

    def looked(self, step: int, cost_s: float, step_s: float, every: int = 0) -> float:
        """Note that `step` was looked at and set the next one.

        Args:
            step: Its number.
            cost_s: Processor time that it took, seconds.
            step_s: How long a step takes, seconds; 0 when that is not known.
            every: Steps between two looks, where the user has said so; 0 otherwise. From `LEAST_BETWEEN` on it is
                the least, so that they cost no more than the budget.

        Returns:
            What of the cost the budget has to pay, seconds.
        """
        purse, previous = self._purse, self._cost_s
        purse.looks += 1
        usual_s = min(cost_s, USUAL_S) if purse.looks <= UNUSUAL else cost_s
        if not every:
            cost_s = usual_s
        self._cost_s = usual_s if previous is None else previous + _WEIGHT * (min(usual_s, 4 * previous) - previous)
        self.misses = self.skip = 0
        troubled = step < self._trouble or self._more > 0
        self._more -= self._more > 0
        if troubled and purse.trouble_s > 0:
            purse.trouble_s -= cost_s
            purse.spent_s += cost_s
            owed_s = 0.0
        elif purse.first_s > 0 and not every:
            purse.first_s -= cost_s
            purse.spent_s += cost_s
            owed_s = 0.0
        else:
            owed_s = cost_s
        self.next_step = self._asked(step, step_s, every) if every else self._next(step, step_s)
        return owed_s

    def _asked(self, step: int, step_s: float, every: int) -> int:
        """Return the next step where the user has set the distance; a short one is for debugging, and is kept."""
        if every < LEAST_BETWEEN or step_s <= 0 or self._share <= 0:
            return step + every
        return step + max(every, _gap(self._cost_s or 0.0, ASKED_SHARE * self._share * step_s))

    def _next(self, step: int, step_s: float) -> int:
        if self._share <= 0:
            return NEVER
        cost_s = self._cost_s or 0.0
        after = step + LEAST_BETWEEN
        if step_s > 0:  # after the first step it is not known yet
            after = max(after, step + _gap(cost_s, BUDGET_SHARE * self._share * step_s))
        if self._purse.first_s > 0:
            after = min(after, grown(step))
        if self._more:
            after = step + 1
        elif step < self._trouble:
            after = min(after, step + (1 if self._purse.trouble_s > 0 else _gap(cost_s, TROUBLE_SHARE * step_s)))
        return after

    def worry(self, step: int, steps: int = TROUBLE_STEPS) -> None:
        """Look at `steps` steps from `step` on, each of them as far as that is paid for."""
        if self._share <= 0:
            return
        if step >= self._trouble and self._purse.trouble_s > 0:
            self.next_step = min(self.next_step, step)
        self._trouble = max(self._trouble, step + steps)

    def alarm(self, step: int) -> None:
        """Look at `step` and the next, because a number is unusual; at more of them if that happens again and again."""
        self._burst = min(TROUBLE_STEPS, 2 * self._burst) if 0 < step - self._alarmed <= CALM_STEPS else ALARM_STEPS
        self._alarmed = step
        self.worry(step, self._burst)

    def bare(self, step: int) -> int:
        """Note that no parameter had a gradient in `step`, nor in any before: it may hold those of another model.

        Half of what is there for trouble is left to others: a part that is not in use yet is no trouble.

        Returns:
            The step at which that should be looked for again.
        """
        due = BARE[self._bare :] if self._share > 0 and self._purse.trouble_s > ESCALATION_S / 2 else ()
        if due and step >= due[0][0]:
            self._more = due[0][1]
            self.next_step = min(self.next_step, step + 1)
            self._bare += 1
            due = due[1:]
        return due[0][0] if due else NEVER

    def missed(self) -> None:
        """Note that a look was prepared for this optimizer and another one stepped: ask for it less and less often."""
        if self._period and self._calls == self._period - 1:
            self._period = 0  # it does not keep that rhythm
        self.misses += 1
        self.skip = 1 << min(self.misses, 16)

    def ready(self, steps: int) -> bool:
        """Return whether the backward call that begins may be of this optimizer, for which a look is due.

        Optimizers that take turns, one of them several times in a row, are looked at when their turn has come again.
        To be asked once at each backward call.

        Args:
            steps: Steps that it has made so far.
        """
        self._calls += 1
        if steps != self._stepped:
            if steps == self._stepped + 1 and self._calls > 1:
                self._period = self._calls
            self._stepped, self._calls = steps, 0
        if self.misses > 1 and self._calls < self._period:
            return self._calls == self._period - 1
        if not self.skip:
            return True
        self.skip -= 1
        return False


def grown(step: int) -> int:
    """Return what comes after `step` among 0, 1, 2, 4, 8, 16 and from there on `GROWTH` times as much each."""
    return (1 << step.bit_length() if step > 0 else 1) if step < SPARSE else int(GROWTH * step)


def _gap(cost_s: float, allowed_s: float) -> int:
    return math.ceil(min(cost_s / allowed_s, NEVER >> 1)) if allowed_s > 0 else NEVER >> 1
