"""The last few seconds as ten buckets: constant cost per call, and old calls leave by themselves."""

BUCKETS = 10


class Window:
    """Calls and bad calls of the last `seconds`, to a tenth of them."""

    __slots__ = ("_bad", "_calls", "_span_s", "_tick", "bad", "calls")

    def __init__(self, seconds: float) -> None:
        self._span_s = seconds / BUCKETS
        self._tick = 0
        self.clear()

    def clear(self) -> None:
        self._calls = [0] * BUCKETS
        self._bad = [0] * BUCKETS
        self.calls = self.bad = 0

    def add(self, now: float, *, bad: bool) -> None:
        tick = int(now / self._span_s)
        if tick != self._tick:
            self._advance(tick)
        place = tick % BUCKETS
        self._calls[place] += 1
        self.calls += 1
        if bad:
            self._bad[place] += 1
            self.bad += 1

    def _advance(self, tick: int) -> None:
        if tick - self._tick >= BUCKETS:
            self.clear()
        else:
            for gone in range(self._tick + 1, tick + 1):
                self._forget(gone % BUCKETS)
        self._tick = tick

    def _forget(self, place: int) -> None:
        self.calls -= self._calls[place]
        self.bad -= self._bad[place]
        self._calls[place] = self._bad[place] = 0
