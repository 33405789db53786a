/// An extension by the specification's name.
///
/// The order is that of ISA strings (unprivileged specification, chapter "ISA Extension Naming
/// Conventions"): single letters, then Z by category letter, then S. Raw values are bit numbers of
/// `Extensions` and may change from release to release: outside the process an extension goes by name.
public enum Extension: UInt8, CaseIterable, Sendable {
    case i = 0, m, a, f, d, c, b, v, h
    case zic64b, zicbom, zicbop, zicboz, ziccamoa, ziccif, zicclsm, ziccrse, zicntr, zicond, zicsr
    case zifencei
    case zihintntl, zihintpause, zihpm
    case zimop
    case za64rs, zaamo, zabha, zacas, zalrsc, zawrs
    case zfa, zfh, zfhmin
    case zca, zcb, zcd, zcmop
    case zba, zbb, zbc, zbs
    case zkr, zkt
    case zvbb, zvfhmin, zvkt
    case sha, shcounterenw, shgatpa, shtvala, shvsatpa, shvstvala, shvstvecd
    case smaia, smepmp, smnpm, smstateen
    case ssaia, sscofpmf, ssnpm, ssstateen, sstc
    case supm
    case svade, svadu, svinval, svnapot, svpbmt, svvptc
}
