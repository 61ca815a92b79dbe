"""One task of the performance benchmark in PyTorch on one thread: peer.py <task>. Prints seconds by the clock and of the
processor, one a repetition, in the faster of two layouts of memory (channels first, channels last)."""
import json
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(0)
BATCH = 64
# Processor seconds to warm up for, as in ours.mjs.
WARM = 2
task = sys.argv[1]


class Block(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(),
            nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after),
        )
        same = before == after and stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        return F.relu(self.shortcut(x) + self.body(x))


def network(name):
    if name == "cnn":
        layers = [nn.Conv2d(1, 16, 3, 1, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Conv2d(32, 32, 3, 2, 1), nn.ReLU()]
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(7 * 7 * 32, 10)), (1, 28, 28)
    stem = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    blocks = [Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)), (3, 32, 32)


net, shape = network(task.split("-")[0])
x = torch.rand(BATCH, *shape)
labels = torch.arange(BATCH) % 10
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)


def attack(steps, judged):
    net.eval()
    eps, alpha = 8 / 255, 2 / 255
    adversarial = (x + (2 * torch.rand_like(x) - 1) * eps).clamp(0, 1)
    best, best_value = adversarial, torch.full((BATCH,), -float("inf"))
    for _ in range(steps):
        adversarial = adversarial.detach().requires_grad_()
        values = F.cross_entropy(net(adversarial), labels, reduction="none")
        (gradient,) = torch.autograd.grad(values.sum(), adversarial)
        if judged:
            better = values.detach() > best_value
            best_value = torch.where(better, values.detach(), best_value)
            best = torch.where(better[:, None, None, None], adversarial.detach(), best)
        adversarial = torch.min(torch.max(adversarial.detach() + alpha * gradient.sign(), x - eps), x + eps).clamp(0, 1)
    return best if judged else adversarial


def train(inputs):
    net.train()
    optimizer.zero_grad()
    F.cross_entropy(net(inputs), labels).backward()
    optimizer.step()


def measure(work, repetitions):
    begin = time.process_time()
    while True:
        work()
        if time.process_time() - begin >= WARM:
            break
    wall, processor = [], []
    for _ in range(repetitions):
        start, used = time.perf_counter(), time.process_time()
        work()
        processor.append(time.process_time() - used)
        wall.append(time.perf_counter() - start)
    return {"wall": wall, "processor": processor}


def work():
    if task.endswith("pgd10-training"):
        train(attack(10, False))
    elif task.endswith("pgd40-evaluation"):
        attack(40, True)
    else:
        train(x)


REPETITIONS = {"training": 12, "pgd10": 5, "pgd40": 2}
repetitions = REPETITIONS["pgd10" if "pgd10" in task else "pgd40" if "pgd40" in task else "training"]


def in_layout(layout):
    global net, x
    net, x = net.to(memory_format=layout), x.contiguous(memory_format=layout)
    return measure(work, repetitions)


results = {"channels first": in_layout(torch.contiguous_format), "channels last": in_layout(torch.channels_last)}
layout = min(results, key=lambda name: sorted(results[name]["processor"])[len(results[name]["processor"]) // 2])
version = f"PyTorch {torch.__version__}, {torch.backends.mkldnn.is_available() and 'oneDNN' or 'no oneDNN'}"
print(json.dumps({"version": version, "layout": layout, "result": results[layout]}))
