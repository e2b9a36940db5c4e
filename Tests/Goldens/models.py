"""ResNet18 and PreActResNet18 for 32x32 images, with the tensor names that the archives carry.

`width` is the number of planes of the first stage (64 in the published models).
"""
from torch import nn


def conv(inputs, outputs, size, stride):
    return nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)


class BasicBlock(nn.Module):
    """relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)); shortcut: empty, or conv 1x1 then BN."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = conv(inputs, outputs, 3, stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = conv(outputs, outputs, 3, 1)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu1, self.relu2 = nn.ReLU(), nn.ReLU()
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut.append(conv(inputs, outputs, 1, stride))
            self.shortcut.append(nn.BatchNorm2d(outputs))

    def forward(self, x):
        hidden = self.relu1(self.bn1(self.conv1(x)))
        return self.relu2(self.bn2(self.conv2(hidden)) + self.shortcut(x))


class PreActBlock(nn.Module):
    """conv2(relu(bn2(conv1(a)))) + s, a = relu(bn1(x)); s is x, or a conv 1x1 of a with no BN."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = conv(inputs, outputs, 3, stride)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = conv(outputs, outputs, 3, 1)
        self.relu1, self.relu2 = nn.ReLU(), nn.ReLU()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(conv(inputs, outputs, 1, stride))

    def forward(self, x):
        activated = self.relu1(self.bn1(x))
        skipped = self.shortcut(activated) if hasattr(self, "shortcut") else x
        return self.conv2(self.relu2(self.bn2(self.conv1(activated)))) + skipped


class ResNet(nn.Module):
    """A 3x3 stem, four stages of two blocks, the mean over positions, and the head `linear`."""

    def __init__(self, block, width, classes=10):
        super().__init__()
        self.conv1 = conv(3, width, 3, 1)
        if block is BasicBlock:  # the pre-activation model has neither a stem BN nor a final one
            self.bn1, self.relu = nn.BatchNorm2d(width), nn.ReLU()
        for stage in range(4):
            inputs, outputs = width * 2 ** max(stage - 1, 0), width * 2**stage
            first = block(inputs, outputs, 1 if stage == 0 else 2)
            setattr(self, f"layer{stage + 1}", nn.Sequential(first, block(outputs, outputs, 1)))
        self.linear = nn.Linear(8 * width, classes)

    def forward(self, x):
        x = self.conv1(x)
        if hasattr(self, "bn1"):
            x = self.relu(self.bn1(x))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return self.linear(x.mean(dim=(2, 3)))


def build(name, width, classes=10):
    """The model called `name`, as --model spells it."""
    block = {"resnet18": BasicBlock, "preactresnet18": PreActBlock}[name]
    return ResNet(block, width, classes)
