import Core

@main struct Main { static func main() {} }
