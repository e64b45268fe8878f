// Compiles simd_loops.hpp once per instruction set and selects a variant at run time.
#pragma once

#include "trainer.hpp"

#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
#define S2V_X86 1
#include <cpuid.h>
#include <immintrin.h>
#endif

#define S2V_LEVEL plain
#define S2V_TARGET
#define S2V_LANES 4
#include "simd_loops.hpp"
#undef S2V_LEVEL
#undef S2V_TARGET
#undef S2V_LANES

#if S2V_X86
#define S2V_LEVEL avx2
#define S2V_TARGET __attribute__((target("avx2,fma,f16c")))
#define S2V_LANES 8
#include "simd_loops.hpp"
#undef S2V_LEVEL
#undef S2V_TARGET
#undef S2V_LANES

#define S2V_LEVEL avx512
#define S2V_TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx2,fma,f16c")))
#define S2V_LANES 16
#include "simd_loops.hpp"
#undef S2V_LEVEL
#undef S2V_TARGET
#undef S2V_LANES
#endif

#include "top_k_int8.hpp"

namespace s2v {

enum Level { PLAIN, AVX2, AVX512, N_LEVELS };

#if S2V_X86
// Not every compiler's __builtin_cpu_supports accepts "f16c". Asked once: in a virtual machine, the instruction takes
// tens of microseconds.
inline bool has_f16c() {
    static const bool has = [] {
        unsigned a, b, c, d;
        return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
    }();
    return has;
}
#endif

inline bool has_level(int level) {
#if S2V_X86
    if (level == AVX2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
    if (level == AVX512)
        return has_level(AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
#endif
    return level == PLAIN;
}

inline TrainLine choose_train_line(int level, int dim) {
#if S2V_X86
    if (level == AVX512) return avx512::train_line_for(dim);
    if (level == AVX2) return avx2::train_line_for(dim);
#endif
    (void)level;
    return plain::train_line_for(dim);
}

inline MeanRows choose_mean_rows(int level, int dim, bool half) {
#if S2V_X86
    if (level == AVX512) return avx512::mean_rows_for(dim, half);
    if (level == AVX2) return avx2::mean_rows_for(dim, half);
#endif
    (void)level;
    return plain::mean_rows_for(dim, half);
}

inline DotRows choose_dot_rows(int level, bool half) {
#if S2V_X86
    if (level == AVX512) return avx512::dot_rows_for(half);
    if (level == AVX2) return avx2::dot_rows_for(half);
#endif
    (void)level;
    return plain::dot_rows_for(half);
}

inline AddScaled choose_add_scaled(int level) {
#if S2V_X86
    if (level == AVX512) return &avx512::add_scaled;
    if (level == AVX2) return &avx2::add_scaled;
#endif
    (void)level;
    return &plain::add_scaled;
}

inline AddSigns choose_add_signs(int level) {
#if S2V_X86
    if (level == AVX512) return &avx512::add_signs;
    if (level == AVX2) return &avx2::add_signs;
#endif
    (void)level;
    return &plain::add_signs;
}

template <int ROWS>
inline TimesMatrix choose_times_matrix(int level) {
#if S2V_X86
    if (level == AVX512) return &avx512::times_matrix<ROWS>;
    if (level == AVX2) return &avx2::times_matrix<ROWS>;
#endif
    (void)level;
    return &plain::times_matrix<ROWS>;
}

inline SecondMoment choose_second_moment(int level) {
#if S2V_X86
    if (level == AVX512) return &avx512::second_moment;
    if (level == AVX2) return &avx2::second_moment;
#endif
    (void)level;
    return &plain::second_moment;
}

inline TopKRows choose_top_k_rows(int level, bool half) {
#if S2V_X86
    if (level == AVX512 && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw"))
        return half ? &vnni::top_k_rows<uint16_t> : &vnni::top_k_rows<float>;
    if (level == AVX512) return avx512::top_k_rows_for(half);
    if (level == AVX2) return avx2::top_k_rows_for(half);
#endif
    (void)level;
    return plain::top_k_rows_for(half);
}

}  // namespace s2v
