#include "test.hpp"

#include <array>

#include <strata/codec/reflect.hpp>

namespace {

struct empty {};
struct user {
  std::string name;
  int age = 36;
  std::vector<int> marks;
};
struct mixed {
  int grid[2][3];
  user owner{"ada", 1, {}};
  char letters[4] = {'a', 'b', 'c', 'd'};
  std::optional<user> other;
  empty first;
  empty second;
  std::array<int, 3> numbers{1, 2, 3};
};
struct only_empty {
  empty inside;
};
template <typename Value>
struct box {
  Value x_1;
  double second_ = 0;
};
struct tree {
  int label = 0;
  std::vector<tree> children;
};
struct base {
  int inherited = 0;
};
struct derived : base {
  int own = 0;
};
struct derived_from_empty : empty {
  int own = 0;
};
struct widest {
  char a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7;
  char c0, c1, c2, c3, c4, c5, c6, c7, d0, d1, d2, d3, d4, d5, d6, d7;
  char e0, e1, e2, e3, e4, e5, e6, e7, f0, f1, f2, f3, f4, f5, f6, f7;
  char g0, g1, g2, g3, g4, g5, g6, g7, h0, h1, h2, h3, h4, h5, h6, h7;
};

}  // namespace

namespace shop {
struct order {
  int id = 0;
};
}  // namespace shop

static_assert(strata::field_count<empty> == 0);
static_assert(strata::field_count<only_empty> == 1);
static_assert(strata::field_count<user> == 3);
static_assert(strata::field_count<mixed> == 7);
static_assert(strata::field_count<box<std::map<int, int>>> == 2);
static_assert(strata::field_count<tree> == 2);
static_assert(strata::field_count<widest> == 64);
static_assert(strata::has_base_class<derived> && strata::has_base_class<derived_from_empty>);
static_assert(!strata::has_base_class<user> && !strata::has_base_class<mixed> && !strata::has_base_class<only_empty> &&
              !strata::has_base_class<empty>);

struct made_from_anything {
  made_from_anything() = default;
  template <typename Other>
  made_from_anything(const Other&);
};
struct holds_anything {
  made_from_anything first;
  int second = 0;
};
struct packed {
  int whole = 0;
  unsigned part : 3;
};
static_assert(!strata::has_base_class<holds_anything>);
static_assert(!strata::has_too_many_fields<widest> && !strata::has_too_many_fields<empty>);
static_assert(strata::detail::has_bit_fields<packed>);
static_assert(!strata::detail::has_bit_fields<user> && !strata::detail::has_bit_fields<mixed> &&
              !strata::detail::has_bit_fields<widest> && !strata::detail::has_bit_fields<empty>);
static_assert(std::is_same_v<strata::field_type<mixed, 1>, user>);
static_assert(std::is_same_v<strata::field_type<mixed, 0>, int[2][3]>);
static_assert(strata::field_name<user, 0>() == "name" && strata::field_name<user, 2>() == "marks");
static_assert(strata::type_name<shop::order>() == "shop::order");
static_assert(strata::type_name<user>() == "user");

TEST_CASE("reflect: the names of fields are those in the source, whatever the types around them") {
  CHECK(strata::field_name<mixed, 0>() == "grid");
  CHECK(strata::field_name<mixed, 3>() == "other");
  CHECK(strata::field_name<mixed, 6>() == "numbers");
  CHECK(strata::field_name<box<std::map<std::string, std::vector<int>>>, 0>() == "x_1");
  CHECK(strata::field_name<box<std::map<std::string, std::vector<int>>>, 1>() == "second_");
  CHECK(strata::field_name<tree, 1>() == "children");
  CHECK(strata::field_name<widest, 0>() == "a0");
  auto widest_names = strata::field_names<widest>();
  std::string all;
  for (int i = 0; i < 64; ++i) all += widest_names.next();
  std::string wanted;
  for (const char letter : std::string("abcdefgh"))
    for (const char digit : std::string("01234567")) wanted += {letter, digit};
  CHECK(all == wanted);
  CHECK(widest_names.next().empty());
  struct local {
    int inside_a_function = 0;
  };
  CHECK(strata::field_name<local, 0>() == "inside_a_function");
  auto names = strata::field_names<only_empty>();
  CHECK(names.next() == "inside");
  CHECK(names.next().empty());
  CHECK(strata::field_names<empty>().next().empty());
}

TEST_CASE("reflect: fields are visited in order and by reference") {
  user someone{"ada", 36, {1}};
  std::size_t visited = 0;
  strata::for_each_field(someone, [&](auto& field) {
    ++visited;
    if constexpr (std::is_same_v<decltype(field), int&>) {
      CHECK(visited == 2);
      field = 37;
    }
  });
  CHECK(visited == 3);
  CHECK(someone.age == 37);
  const widest constant{};
  CHECK(strata::visit_fields(constant, [](const auto&... fields) { return sizeof...(fields); }) == 64);
}
