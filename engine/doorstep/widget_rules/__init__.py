"""What every widget must keep, each rule in plain words: told by `doorstep check plugin` and by the contract suite."""

from .of_behaviour import BEHAVIOUR_RULES
from .of_files import FILE_RULES
from .of_forms import FORM_RULES
from .of_markup import MARKUP_RULES
from .rule import Rule
from .trial import CannotTry, Feed, Trial, trials

__all__ = ["RULES", "CannotTry", "Feed", "Rule", "Trial", "trials"]
RULES = (*BEHAVIOUR_RULES, *MARKUP_RULES, *FORM_RULES, *FILE_RULES)
