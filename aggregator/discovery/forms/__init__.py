"""Forms: one definition per service, and every rendering read from it.

`mistakes` names what is wrong with an answer, `layout` is the one list of order, group and widget from which both UI
schemas and the plain page are made, `answers` reads what people type, `questions` asks one thing at a time, `prefill`
fills in what is known. The definition itself is checked where it is loaded (`aggregator.registry.form`).
"""

from aggregator.discovery.forms.mistakes import CODES, OTHER, FormError, localised, pointer, violations

__all__ = ["CODES", "OTHER", "FormError", "localised", "pointer", "violations"]
