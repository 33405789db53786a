extension Extensions {
    /// Processor model `rv64gc` of machine version 1.0: what both engines can offer.
    public static var rv64gc: Extensions {
        [
            .i, .m, .a, .f, .d, .c, .zaamo, .zalrsc, .zca, .zcd,
            .zicsr, .zifencei, .zicntr, .zihpm, .zihintpause, .zihintntl, .zicond, .zawrs,
            .zicbom, .zicbop, .zicboz, .zba, .zbb, .zbs, .zcb, .zfa, .zfhmin,
            .sstc, .svade, .svinval, .svnapot, .svpbmt,
        ]
    }

    /// Processor model `rv64gch`: with the hypervisor extension, its companions, and M-mode's matters.
    public static var rv64gch: Extensions {
        rv64gc.union([.smstateen, .sscofpmf, .h, .shcounterenw, .shgatpa, .shtvala, .shvsatpa, .shvstvala, .shvstvecd])
    }
}
