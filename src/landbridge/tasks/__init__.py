"""tmp"""
from dataclasses import dataclass
from sklearn.base import is_regressor
import numpy as np
from landbridge.exceptions import InputError
@dataclass(frozen=True)
class InferredTask:
    name: str
    reason: str
class Task:
    def __init__(self,name,metric): self.name=name; self.metric=metric
    def fits(self, e): return is_regressor(e)==(self.name=="regression")
    def default_estimator(self,*,is_sparse=False):
        from sklearn.linear_model import LogisticRegression, Ridge
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import MaxAbsScaler, StandardScaler
        return make_pipeline(MaxAbsScaler() if is_sparse else StandardScaler(), LogisticRegression(max_iter=1000) if self.name=="classification" else Ridge())
def get_task(n):
    if n not in ("classification","regression"): raise InputError(f"task must be 'classification' or 'regression'; got {n!r}.")
    return Task(n, "accuracy" if n=="classification" else "R²")
def infer_task(y, estimator=None, *, task=None):
    if task is not None: return InferredTask(get_task(task).name,"")
    if estimator is not None: return InferredTask("regression" if is_regressor(estimator) else "classification","")
    y=np.asarray(y)
    if y.dtype.kind=="f" and not np.all(y==np.floor(y)): return InferredTask("regression","r")
    return InferredTask("regression" if y.dtype.kind in "iuf" and len(np.unique(y))>max(20,0.1*len(y)) else "classification","c")
