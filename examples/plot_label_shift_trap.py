"""
The trap: label shift
=====================

The classes look the same on both sides; only their shares changed, from 80/20 to 20/80. Whatever aligns the two
clouds now mixes the classes. The guard notices.
"""

from landbridge import measure, transfer
from landbridge.data import make_shift

source, target = make_shift("label", random_state=0)
print(measure(source, target.without_labels(), random_state=0).words)

# %%
# The labels of the target are hidden from everything and only score the outcome. Methods that align the domains are
# ruled out under label shift, and tried here on request to show why.

result = transfer(source, target, target_labels="hide", exhaustive=True)
for name in ("source-only", "DomainScaler", "SubspaceAlignment", "OTMapping", result.decision.chosen):
    print(f"{name:20s} {result[name].hidden.value:.3f}")
print(result.decision.reason)
