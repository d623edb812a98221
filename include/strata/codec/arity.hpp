// How many fields an aggregate has and what they are, without macros: one specialisation per number of fields.
//
// A field count of N fits a type when N empty braces initialise it. Empty braces start exactly one field each (there
// is no brace elision, so nested aggregates and C arrays count once) and instantiate nothing: the question is cheap
// whatever the fields are. The structured binding of the N fields stands in `visit`, written out because C++20 cannot
// write it for any N. A pure table, long and all alike: reflect.hpp is the room that uses it.
//
// clang-format off
#ifndef STRATA_CODEC_ARITY_HPP
#define STRATA_CODEC_ARITY_HPP

#include <cstddef>

#include <strata/config.hpp>

namespace strata::inline STRATA_ABI::detail {

// `arity<N>::fits<Type>`: N fields can be initialised. `arity<N>::visit(value, visitor)`: calls the visitor with a
// reference to each field, in order of declaration. Requires: `value` has N fields.
template <std::size_t Count>
struct arity;

template <>
struct arity<0> {
  template <typename Type>
  static constexpr bool fits = requires { Type{}; };
  template <typename Type, typename Visitor>
  static constexpr decltype(auto) visit(Type&, Visitor& visitor) {
    return visitor();
  }
};

template <> struct arity<1> {
  template <typename Type> static constexpr bool fits = requires { Type{{}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1] = value; return visitor(f1); } };
template <> struct arity<2> {
  template <typename Type> static constexpr bool fits = requires { Type{{}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2] = value; return visitor(f1, f2); } };
template <> struct arity<3> {
  template <typename Type> static constexpr bool fits = requires { Type{{}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3] = value; return visitor(f1, f2, f3); } };
template <> struct arity<4> {
  template <typename Type> static constexpr bool fits = requires { Type{{}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4] = value; return visitor(f1, f2, f3, f4); } };
template <> struct arity<5> {
  template <typename Type> static constexpr bool fits = requires { Type{{}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5] = value; return visitor(f1, f2, f3, f4, f5); } };
template <> struct arity<6> {
  template <typename Type> static constexpr bool fits = requires { Type{{}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6] = value; return visitor(f1, f2, f3, f4, f5, f6); } };
template <> struct arity<7> {
  template <typename Type> static constexpr bool fits = requires { Type{{}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7] = value; return visitor(f1, f2, f3, f4, f5, f6, f7); } };
template <> struct arity<8> {
  template <typename Type> static constexpr bool fits = requires { Type{{}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8); } };
template <> struct arity<9> {
  template <typename Type> static constexpr bool fits = requires { Type{{}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9); } };
template <> struct arity<10> {
  template <typename Type> static constexpr bool fits = requires { Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10); }
};
template <> struct arity<11> {
  template <typename Type> static constexpr bool fits = requires { Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9,
    f10, f11); } };
template <> struct arity<12> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8,
    f9, f10, f11, f12); } };
template <> struct arity<13> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13] = value; return visitor(f1, f2, f3, f4, f5, f6, f7,
    f8, f9, f10, f11, f12, f13); } };
template <> struct arity<14> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14] = value; return visitor(f1, f2, f3, f4, f5, f6,
    f7, f8, f9, f10, f11, f12, f13, f14); } };
template <> struct arity<15> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15] = value; return visitor(f1, f2, f3, f4, f5,
    f6, f7, f8, f9, f10, f11, f12, f13, f14, f15); } };
template <> struct arity<16> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16] = value; return visitor(f1, f2, f3,
    f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16); } };
template <> struct arity<17> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17] = value; return visitor(f1, f2,
    f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17); } };
template <> struct arity<18> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18] = value; return visitor(f1,
    f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18); } };
template <> struct arity<19> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19] = value; return
    visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19); } };
template <> struct arity<20> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20] = value; return
    visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20); } };
template <> struct arity<21> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21] = value;
    return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21); } };
template <> struct arity<22> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22] = value;
    return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22);
    }
};
template <> struct arity<23> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23] =
    value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
    f21, f22, f23); } };
template <> struct arity<24> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19,
    f20, f21, f22, f23, f24); } };
template <> struct arity<25> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18,
    f19, f20, f21, f22, f23, f24, f25); } };
template <> struct arity<26> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17,
    f18, f19, f20, f21, f22, f23, f24, f25, f26); } };
template <> struct arity<27> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16,
    f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27); } };
template <> struct arity<28> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15,
    f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28); } };
template <> struct arity<29> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14,
    f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29); } };
template <> struct arity<30> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13,
    f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30); } };
template <> struct arity<31> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12,
    f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31); } };
template <> struct arity<32> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11,
    f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32); } };
template <> struct arity<33> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10,
    f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33);
    }
};
template <> struct arity<34> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9,
    f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32,
    f33, f34); } };
template <> struct arity<35> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8,
    f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31,
    f32, f33, f34, f35); } };
template <> struct arity<36> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36] = value; return visitor(f1, f2, f3, f4, f5, f6, f7,
    f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30,
    f31, f32, f33, f34, f35, f36); } };
template <> struct arity<37> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37] = value; return visitor(f1, f2, f3, f4, f5,
    f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29,
    f30, f31, f32, f33, f34, f35, f36, f37); } };
template <> struct arity<38> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38] = value; return visitor(f1, f2, f3, f4,
    f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28,
    f29, f30, f31, f32, f33, f34, f35, f36, f37, f38); } };
template <> struct arity<39> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39] = value; return visitor(f1, f2, f3,
    f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27,
    f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39); } };
template <> struct arity<40> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40] = value; return visitor(f1, f2,
    f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26,
    f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40); } };
template <> struct arity<41> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41] = value; return
    visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41); } };
template <> struct arity<42> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42] = value; return
    visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42); } };
template <> struct arity<43> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43] = value; return
    visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43); } };
template <> struct arity<44> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44] = value;
    return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22,
    f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44); } };
template <> struct arity<45> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45] =
    value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
    f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43,
    f44, f45); } };
template <> struct arity<46> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46] =
    value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
    f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43,
    f44, f45, f46); } };
template <> struct arity<47> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46,
    f47] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19,
    f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42,
    f43, f44, f45, f46, f47); } };
template <> struct arity<48> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46,
    f47, f48] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18,
    f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41,
    f42, f43, f44, f45, f46, f47, f48); } };
template <> struct arity<49> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46,
    f47, f48, f49] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17,
    f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
    f41, f42, f43, f44, f45, f46, f47, f48, f49); } };
template <> struct arity<50> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46,
    f47, f48, f49, f50] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16,
    f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39,
    f40, f41, f42, f43, f44, f45, f46, f47, f48, f49, f50); } };
template <> struct arity<51> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46,
    f47, f48, f49, f50, f51] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15,
    f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38,
    f39, f40, f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51); } };
template <> struct arity<52> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46,
    f47, f48, f49, f50, f51, f52] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14,
    f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37,
    f38, f39, f40, f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52); } };
template <> struct arity<53> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46,
    f47, f48, f49, f50, f51, f52, f53] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13,
    f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36,
    f37, f38, f39, f40, f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53); } };
template <> struct arity<54> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46,
    f47, f48, f49, f50, f51, f52, f53, f54] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12,
    f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35,
    f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54); } };
template <> struct arity<55> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46,
    f47, f48, f49, f50, f51, f52, f53, f54, f55] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11,
    f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34,
    f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55); } };
template <> struct arity<56> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46,
    f47, f48, f49, f50, f51, f52, f53, f54, f55, f56] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10,
    f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33,
    f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56);
    }
};
template <> struct arity<57> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
    };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46,
    f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9,
    f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32,
    f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55,
    f56, f57); } };
template <> struct arity<58> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46,
    f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58] = value; return visitor(f1, f2, f3, f4, f5, f6, f7, f8,
    f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31,
    f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54,
    f55, f56, f57, f58); } };
template <> struct arity<59> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46,
    f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59] = value; return visitor(f1, f2, f3, f4, f5, f6, f7,
    f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30,
    f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53,
    f54, f55, f56, f57, f58, f59); } };
template <> struct arity<60> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46,
    f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59, f60] = value; return visitor(f1, f2, f3, f4, f5,
    f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29,
    f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52,
    f53, f54, f55, f56, f57, f58, f59, f60); } };
template <> struct arity<61> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46,
    f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59, f60, f61] = value; return visitor(f1, f2, f3, f4,
    f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28,
    f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51,
    f52, f53, f54, f55, f56, f57, f58, f59, f60, f61); } };
template <> struct arity<62> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46,
    f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59, f60, f61, f62] = value; return visitor(f1, f2, f3,
    f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27,
    f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46, f47, f48, f49, f50,
    f51, f52, f53, f54, f55, f56, f57, f58, f59, f60, f61, f62); } };
template <> struct arity<63> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46,
    f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59, f60, f61, f62, f63] = value; return visitor(f1, f2,
    f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26,
    f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46, f47, f48, f49,
    f50, f51, f52, f53, f54, f55, f56, f57, f58, f59, f60, f61, f62, f63); } };
template <> struct arity<64> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}}; };
  template <typename Type, typename Visitor> static constexpr decltype(auto) visit(Type& value, Visitor& visitor) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46,
    f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59, f60, f61, f62, f63, f64] = value; return
    visitor(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
    f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46,
    f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59, f60, f61, f62, f63, f64); } };
// Only asked, to tell what has too many.
template <> struct arity<65> {
  template <typename Type> static constexpr bool fits = requires {
    Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
    {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
};

// clang-format on

}  // namespace strata::inline STRATA_ABI::detail

#endif
