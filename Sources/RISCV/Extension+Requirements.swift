extension Extension {
    /// What the specification says it depends on, one step deep.
    public var requirements: Extensions {
        switch self {
        case .f, .zicntr, .zihpm, .smepmp, .smstateen, .smaia, .ssaia, .sstc: Extensions(.zicsr)
        case .d, .zfa, .zfhmin: Extensions(.f)
        case .v: Extensions(.d)
        case .b: Extensions(.zba, .zbb, .zbs)
        case .zfh: Extensions(.zfhmin)
        case .zawrs, .zabha, .zacas, .zaamo, .zalrsc: Extensions(.a)
        case .zca, .zcb: Extensions(.c)
        case .zcd: Extensions(.c, .d)
        case .zcmop: Extensions(.c, .zimop)
        case .zvbb, .zvkt: Extensions(.v)
        case .zvfhmin: Extensions(.v, .zfhmin)
        case .sscofpmf: Extensions(.zihpm)
        case .shcounterenw, .shgatpa, .shtvala, .shvsatpa, .shvstvala, .shvstvecd: Extensions(.h)
        case .sha:
            [.h, .shcounterenw, .shgatpa, .shtvala, .shvsatpa, .shvstvala, .shvstvecd, .ssstateen]
        default: Extensions()
        }
    }
}

extension Extensions {
    /// The first extension in here that lacks another, and which one.
    public var missingRequirement: (extension: Extension, missing: Extension)? {
        for one in Extension.allCases where contains(one) {
            let missing = one.requirements.subtracting(self)
            if let first = Extension.allCases.first(where: { missing.contains($0) }) { return (one, first) }
        }
        return nil
    }
}
