from . import test_expense
from . import test_expense_limits
from . import test_expense_receipts
from . import test_expense_stock
from . import test_expense_tours
