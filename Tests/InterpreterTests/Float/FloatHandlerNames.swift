import Interpreter

// The handlers under their C names: they are internal to Interpreter, and tests run against a release build,
// in which nothing internal is testable.

@_silgen_name("rv_fadd_s") private func rv_fadd_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fsub_s") private func rv_fsub_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fmul_s") private func rv_fmul_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fdiv_s") private func rv_fdiv_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fsqrt_s") private func rv_fsqrt_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fmadd_s") private func rv_fmadd_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fmsub_s") private func rv_fmsub_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fnmsub_s") private func rv_fnmsub_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fnmadd_s") private func rv_fnmadd_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_feq_s") private func rv_feq_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_flt_s") private func rv_flt_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fle_s") private func rv_fle_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fltq_s") private func rv_fltq_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fleq_s") private func rv_fleq_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fmin_s") private func rv_fmin_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fmax_s") private func rv_fmax_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fminm_s") private func rv_fminm_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fmaxm_s") private func rv_fmaxm_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fclass_s") private func rv_fclass_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fsgnj_s") private func rv_fsgnj_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fsgnjn_s") private func rv_fsgnjn_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fsgnjx_s") private func rv_fsgnjx_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fli_s") private func rv_fli_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fround_s") private func rv_fround_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_froundnx_s") private func rv_froundnx_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fcvt_w_s") private func rv_fcvt_w_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fcvt_wu_s") private func rv_fcvt_wu_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fcvt_l_s") private func rv_fcvt_l_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fcvt_lu_s") private func rv_fcvt_lu_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fcvt_s_w") private func rv_fcvt_s_w(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fcvt_s_wu") private func rv_fcvt_s_wu(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fcvt_s_l") private func rv_fcvt_s_l(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fcvt_s_lu") private func rv_fcvt_s_lu(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fadd_d") private func rv_fadd_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fsub_d") private func rv_fsub_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fmul_d") private func rv_fmul_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fdiv_d") private func rv_fdiv_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fsqrt_d") private func rv_fsqrt_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fmadd_d") private func rv_fmadd_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fmsub_d") private func rv_fmsub_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fnmsub_d") private func rv_fnmsub_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fnmadd_d") private func rv_fnmadd_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_feq_d") private func rv_feq_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_flt_d") private func rv_flt_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fle_d") private func rv_fle_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fltq_d") private func rv_fltq_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fleq_d") private func rv_fleq_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fmin_d") private func rv_fmin_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fmax_d") private func rv_fmax_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fminm_d") private func rv_fminm_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fmaxm_d") private func rv_fmaxm_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fclass_d") private func rv_fclass_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fsgnj_d") private func rv_fsgnj_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fsgnjn_d") private func rv_fsgnjn_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fsgnjx_d") private func rv_fsgnjx_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fli_d") private func rv_fli_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fround_d") private func rv_fround_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_froundnx_d") private func rv_froundnx_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fcvt_w_d") private func rv_fcvt_w_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fcvt_wu_d") private func rv_fcvt_wu_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fcvt_l_d") private func rv_fcvt_l_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fcvt_lu_d") private func rv_fcvt_lu_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fcvt_d_w") private func rv_fcvt_d_w(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fcvt_d_wu") private func rv_fcvt_d_wu(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fcvt_d_l") private func rv_fcvt_d_l(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fcvt_d_lu") private func rv_fcvt_d_lu(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fcvtmod_w_d") private func rv_fcvtmod_w_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fcvt_s_d") private func rv_fcvt_s_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fcvt_d_s") private func rv_fcvt_d_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fcvt_s_h") private func rv_fcvt_s_h(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fcvt_h_s") private func rv_fcvt_h_s(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fcvt_d_h") private func rv_fcvt_d_h(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fcvt_h_d") private func rv_fcvt_h_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fmv_x_w") private func rv_fmv_x_w(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fmv_w_x") private func rv_fmv_w_x(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fmv_x_d") private func rv_fmv_x_d(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fmv_d_x") private func rv_fmv_d_x(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fmv_x_h") private func rv_fmv_x_h(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int
@_silgen_name("rv_fmv_h_x") private func rv_fmv_h_x(_: UnsafeMutableRawPointer, _: UnsafeRawPointer, _: UnsafeMutableRawPointer, _: Int) -> Int

let floatHandlers: [String: FloatProbe.Handler] = [
    "fadd_s": { rv_fadd_s($0, $1, $2, $3) },
    "fsub_s": { rv_fsub_s($0, $1, $2, $3) },
    "fmul_s": { rv_fmul_s($0, $1, $2, $3) },
    "fdiv_s": { rv_fdiv_s($0, $1, $2, $3) },
    "fsqrt_s": { rv_fsqrt_s($0, $1, $2, $3) },
    "fmadd_s": { rv_fmadd_s($0, $1, $2, $3) },
    "fmsub_s": { rv_fmsub_s($0, $1, $2, $3) },
    "fnmsub_s": { rv_fnmsub_s($0, $1, $2, $3) },
    "fnmadd_s": { rv_fnmadd_s($0, $1, $2, $3) },
    "feq_s": { rv_feq_s($0, $1, $2, $3) },
    "flt_s": { rv_flt_s($0, $1, $2, $3) },
    "fle_s": { rv_fle_s($0, $1, $2, $3) },
    "fltq_s": { rv_fltq_s($0, $1, $2, $3) },
    "fleq_s": { rv_fleq_s($0, $1, $2, $3) },
    "fmin_s": { rv_fmin_s($0, $1, $2, $3) },
    "fmax_s": { rv_fmax_s($0, $1, $2, $3) },
    "fminm_s": { rv_fminm_s($0, $1, $2, $3) },
    "fmaxm_s": { rv_fmaxm_s($0, $1, $2, $3) },
    "fclass_s": { rv_fclass_s($0, $1, $2, $3) },
    "fsgnj_s": { rv_fsgnj_s($0, $1, $2, $3) },
    "fsgnjn_s": { rv_fsgnjn_s($0, $1, $2, $3) },
    "fsgnjx_s": { rv_fsgnjx_s($0, $1, $2, $3) },
    "fli_s": { rv_fli_s($0, $1, $2, $3) },
    "fround_s": { rv_fround_s($0, $1, $2, $3) },
    "froundnx_s": { rv_froundnx_s($0, $1, $2, $3) },
    "fcvt_w_s": { rv_fcvt_w_s($0, $1, $2, $3) },
    "fcvt_wu_s": { rv_fcvt_wu_s($0, $1, $2, $3) },
    "fcvt_l_s": { rv_fcvt_l_s($0, $1, $2, $3) },
    "fcvt_lu_s": { rv_fcvt_lu_s($0, $1, $2, $3) },
    "fcvt_s_w": { rv_fcvt_s_w($0, $1, $2, $3) },
    "fcvt_s_wu": { rv_fcvt_s_wu($0, $1, $2, $3) },
    "fcvt_s_l": { rv_fcvt_s_l($0, $1, $2, $3) },
    "fcvt_s_lu": { rv_fcvt_s_lu($0, $1, $2, $3) },
    "fadd_d": { rv_fadd_d($0, $1, $2, $3) },
    "fsub_d": { rv_fsub_d($0, $1, $2, $3) },
    "fmul_d": { rv_fmul_d($0, $1, $2, $3) },
    "fdiv_d": { rv_fdiv_d($0, $1, $2, $3) },
    "fsqrt_d": { rv_fsqrt_d($0, $1, $2, $3) },
    "fmadd_d": { rv_fmadd_d($0, $1, $2, $3) },
    "fmsub_d": { rv_fmsub_d($0, $1, $2, $3) },
    "fnmsub_d": { rv_fnmsub_d($0, $1, $2, $3) },
    "fnmadd_d": { rv_fnmadd_d($0, $1, $2, $3) },
    "feq_d": { rv_feq_d($0, $1, $2, $3) },
    "flt_d": { rv_flt_d($0, $1, $2, $3) },
    "fle_d": { rv_fle_d($0, $1, $2, $3) },
    "fltq_d": { rv_fltq_d($0, $1, $2, $3) },
    "fleq_d": { rv_fleq_d($0, $1, $2, $3) },
    "fmin_d": { rv_fmin_d($0, $1, $2, $3) },
    "fmax_d": { rv_fmax_d($0, $1, $2, $3) },
    "fminm_d": { rv_fminm_d($0, $1, $2, $3) },
    "fmaxm_d": { rv_fmaxm_d($0, $1, $2, $3) },
    "fclass_d": { rv_fclass_d($0, $1, $2, $3) },
    "fsgnj_d": { rv_fsgnj_d($0, $1, $2, $3) },
    "fsgnjn_d": { rv_fsgnjn_d($0, $1, $2, $3) },
    "fsgnjx_d": { rv_fsgnjx_d($0, $1, $2, $3) },
    "fli_d": { rv_fli_d($0, $1, $2, $3) },
    "fround_d": { rv_fround_d($0, $1, $2, $3) },
    "froundnx_d": { rv_froundnx_d($0, $1, $2, $3) },
    "fcvt_w_d": { rv_fcvt_w_d($0, $1, $2, $3) },
    "fcvt_wu_d": { rv_fcvt_wu_d($0, $1, $2, $3) },
    "fcvt_l_d": { rv_fcvt_l_d($0, $1, $2, $3) },
    "fcvt_lu_d": { rv_fcvt_lu_d($0, $1, $2, $3) },
    "fcvt_d_w": { rv_fcvt_d_w($0, $1, $2, $3) },
    "fcvt_d_wu": { rv_fcvt_d_wu($0, $1, $2, $3) },
    "fcvt_d_l": { rv_fcvt_d_l($0, $1, $2, $3) },
    "fcvt_d_lu": { rv_fcvt_d_lu($0, $1, $2, $3) },
    "fcvtmod_w_d": { rv_fcvtmod_w_d($0, $1, $2, $3) },
    "fcvt_s_d": { rv_fcvt_s_d($0, $1, $2, $3) },
    "fcvt_d_s": { rv_fcvt_d_s($0, $1, $2, $3) },
    "fcvt_s_h": { rv_fcvt_s_h($0, $1, $2, $3) },
    "fcvt_h_s": { rv_fcvt_h_s($0, $1, $2, $3) },
    "fcvt_d_h": { rv_fcvt_d_h($0, $1, $2, $3) },
    "fcvt_h_d": { rv_fcvt_h_d($0, $1, $2, $3) },
    "fmv_x_w": { rv_fmv_x_w($0, $1, $2, $3) },
    "fmv_w_x": { rv_fmv_w_x($0, $1, $2, $3) },
    "fmv_x_d": { rv_fmv_x_d($0, $1, $2, $3) },
    "fmv_d_x": { rv_fmv_d_x($0, $1, $2, $3) },
    "fmv_x_h": { rv_fmv_x_h($0, $1, $2, $3) },
    "fmv_h_x": { rv_fmv_h_x($0, $1, $2, $3) },
]
