"""ResNet18, PreActResNet18, ResNet50 and VGG19 for 32x32 images.

The tensors of the first three are named as in archives.

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


class Bottleneck(nn.Module):
    """relu(bn3(1x1(relu(bn2(3x3(relu(bn1(1x1(x)))))))) + shortcut(x)), four times as many planes out."""

    expansion = 4

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        planes = outputs // self.expansion
        self.conv1, self.bn1 = conv(inputs, planes, 1, 1), nn.BatchNorm2d(planes)
        self.conv2, self.bn2 = conv(planes, planes, 3, stride), nn.BatchNorm2d(planes)
        self.conv3, self.bn3 = conv(planes, outputs, 1, 1), nn.BatchNorm2d(outputs)
        self.relu1, self.relu2, self.relu3 = nn.ReLU(), nn.ReLU(), nn.ReLU()
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut.append(conv(inputs, outputs, 1, stride))
            self.shortcut.append(nn.BatchNorm2d(outputs))

    def forward(self, x):
        hidden = self.relu1(self.bn1(self.conv1(x)))
        hidden = self.relu2(self.bn2(self.conv2(hidden)))
        return self.relu3(self.bn3(self.conv3(hidden)) + self.shortcut(x))


class ResNet(nn.Module):
    """A 3x3 stem, four stages of blocks, the mean over positions, and the head `linear`."""

    def __init__(self, block, width, classes=10, counts=(2, 2, 2, 2)):
        super().__init__()
        self.conv1 = conv(3, width, 3, 1)
        if block is not PreActBlock:  # the pre-activation model has neither a stem BN nor a final one
            self.bn1, self.relu = nn.BatchNorm2d(width), nn.ReLU()
        inputs = width
        for stage, count in enumerate(counts):
            outputs = width * 2**stage * getattr(block, "expansion", 1)
            blocks = []
            for number in range(count):
                blocks.append(block(inputs, outputs, 2 if stage > 0 and number == 0 else 1))
                inputs = outputs
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.linear = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.conv1(x)
        if hasattr(self, "bn1"):
            x = self.relu(self.bn1(x))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return self.linear(x.mean(dim=(2, 3)))


def vgg19(width, classes):
    """Sixteen 3x3 convolutions with BatchNorm in five stages, and two hidden layers."""
    layers, inputs = [], 3
    for stage, count in enumerate((2, 2, 4, 4, 4)):
        outputs = width * 2 ** min(stage, 3)
        for _ in range(count):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
            inputs = outputs
        layers.append(nn.MaxPool2d(2))
    hidden = 64 * width
    head = [nn.Linear(49 * inputs, hidden), nn.ReLU(), nn.Dropout(),
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(), nn.Linear(hidden, classes)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(7), nn.Flatten(), *head)


def build(name, width, classes=10):
    """The model called `name`, as --model spells it."""
    if name == "vgg19_bn":
        return vgg19(width, classes)
    if name == "resnet50":
        return ResNet(Bottleneck, width, classes, (3, 4, 6, 3))
    block = {"resnet18": BasicBlock, "preactresnet18": PreActBlock}[name]
    return ResNet(block, width, classes)
