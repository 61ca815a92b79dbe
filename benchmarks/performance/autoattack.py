"""APGD-CE and APGD-T under Linf in PyTorch on one thread: autoattack.py <folder of a reference network> <eps> <runs>. The same loop as ours:
the same steps, schedule, targets and restarts; a row leaves the batch in the step that breaks it. Prints seconds of the last of several runs
and of the first, and who still stands."""
import json
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(0)
folder, eps = sys.argv[1], float(sys.argv[2])
STEPS, TARGETS, RHO = 100, 9, 0.75

specs = json.load(open(f"{folder}/model.json"))["weightsManifest"][0]["weights"]
raw, weights, place = np.fromfile(f"{folder}/weights.bin", "<f4"), {}, 0
for spec in specs:
    size = int(np.prod(spec["shape"]))
    weights[spec["name"]] = torch.tensor(raw[place:place + size].reshape(spec["shape"]))
    place += size
convolutions = [(weights[f"conv2d_{i}/kernel"].permute(3, 2, 0, 1).contiguous(), weights[f"conv2d_{i}/bias"], stride) for i, stride in ((1, 1), (4, 2), (7, 2))]
# Features lie channels first here.
hidden = weights["dense_10/kernel"].reshape(7, 7, 32, 100).permute(2, 0, 1, 3).reshape(1568, 100).t().contiguous()
head = weights["dense_12/kernel"].t().contiguous()


def net(x):
    for kernel, bias, stride in convolutions:
        x = F.relu(F.conv2d(x, kernel, bias, stride=stride, padding=1))
    return F.linear(F.relu(F.linear(x.flatten(1), hidden, weights["dense_10/bias"])), head, weights["dense_12/bias"])


images = torch.tensor(np.fromfile(f"{folder}/../images.u8", "u1").astype("f4") / 255).reshape(-1, 1, 28, 28)
labels = torch.tensor(np.fromfile(f"{folder}/../labels.u8", "u1").astype("i8"))


def cross_entropy(logits, y, _):
    return F.cross_entropy(logits, y, reduction="none")


def targeted_dlr(logits, y, t):
    ordered = logits.sort(1)[0]
    rows = torch.arange(len(y))
    return (logits[rows, t] - logits[rows, y]) / (ordered[:, -1] - (ordered[:, -3] + ordered[:, -4]) / 2 + 1e-12)


def pass_through(x, y, t, objective):
    x = x.detach().requires_grad_()
    logits = net(x)
    values = objective(logits, y, t)
    (gradient,) = torch.autograd.grad(values.sum(), x)
    return values.detach(), gradient, logits.detach().argmax(1) != y


def over(values):
    return values[:, None, None, None]


def apgd(x, y, t, objective):
    """Which rows are broken."""
    broken = torch.zeros(len(x), dtype=torch.bool)
    where = torch.arange(len(x))
    low, high = (x - eps).clamp(min=0), (x + eps).clamp(max=1)
    current = (x + (2 * torch.rand_like(x) - 1) * eps).clamp(0, 1)
    values, gradient, hit = pass_through(current, y, t, objective)
    state = dict(current=current, previous=current, gradient=gradient, values=values, best=current, best_gradient=gradient, best_values=values,
                 rises=torch.zeros(len(x)), checked=values, halved=torch.ones(len(x), dtype=torch.bool), length=torch.full((len(x),), 2 * eps),
                 y=y, t=t, low=low, high=high, where=where)

    def leave(hit):
        broken[state["where"][hit]] = True
        if hit.any():
            for name in state:
                state[name] = state[name][~hit]

    leave(hit)
    window, counter = max(int(0.22 * STEPS), 1), 0
    for step in range(STEPS):
        if len(state["where"]) == 0:
            break
        s = state
        plain = torch.min(torch.max(s["current"] + over(s["length"]) * s["gradient"].sign(), s["low"]), s["high"])
        share = 1 if step == 0 else RHO
        moved = s["current"] + share * (plain - s["current"]) + (1 - share) * (s["current"] - s["previous"])
        s["previous"], s["current"] = s["current"], torch.min(torch.max(moved, s["low"]), s["high"])
        before = s["values"]
        if step == STEPS - 1:
            with torch.no_grad():
                hit = net(s["current"]).argmax(1) != s["y"]
            leave(hit)
            break
        s["values"], s["gradient"], hit = pass_through(s["current"], s["y"], s["t"], objective)
        s["rises"] = s["rises"] + (s["values"] > before)
        better = s["values"] > s["best_values"]
        s["best_values"] = torch.where(better, s["values"], s["best_values"])
        s["best"] = torch.where(over(better), s["current"], s["best"])
        s["best_gradient"] = torch.where(over(better), s["gradient"], s["best_gradient"])
        counter += 1
        if counter == window:
            halve = (s["rises"] <= RHO * window) | (~s["halved"] & (s["checked"] >= s["best_values"]))
            s["length"] = torch.where(halve, s["length"] / 2, s["length"])
            s["current"] = torch.where(over(halve), s["best"], s["current"])
            s["gradient"] = torch.where(over(halve), s["best_gradient"], s["gradient"])
            s["halved"], s["checked"], s["rises"] = halve, s["best_values"], torch.zeros_like(s["rises"])
            window, counter = max(window - max(int(0.03 * STEPS), 1), max(int(0.06 * STEPS), 1)), 0
        leave(hit)
    return broken


def suite():
    with torch.no_grad():
        logits = net(images)
    right = logits.argmax(1) == labels
    robust, counts = right.clone(), [int(right.sum())]
    rows = robust.nonzero()[:, 0]
    robust[rows[apgd(images[rows], labels[rows], labels[rows], cross_entropy)]] = False
    counts.append(int(robust.sum()))
    ranked = logits.sort(1, descending=True)[1]
    for rank in range(1, TARGETS + 1):
        rows = robust.nonzero()[:, 0]
        if len(rows):
            robust[rows[apgd(images[rows], labels[rows], ranked[rows, rank], targeted_dlr)]] = False
    return counts + [int(robust.sum())]


net(images)
times = []
for _ in range(int(sys.argv[3])):
    start, used = time.perf_counter(), time.process_time()
    stands = suite()
    times.append({"seconds": time.perf_counter() - start, "cpu": time.process_time() - used})
print(json.dumps({"version": f"PyTorch {torch.__version__}", **times[-1], "stands": stands, "first": times[0]}))
