// A type's description, parsed: what code that knows no C++ type walks values by.
//
// Thread safety: immutable once parsed; any thread.
//
// Invariants (parse refuses what breaks them):
// 1. Nodes nest at most `nesting_levels_max` deep; a structure contains itself only through an optional, variant or
//    container.
// 2. A type whose least size is zero always takes zero bytes, and is no container's element: walking a value therefore
//    takes time and stack in proportion to its bytes.
#ifndef STRATA_CODEC_TYPE_TREE_HPP
#define STRATA_CODEC_TYPE_TREE_HPP

#include <strata/codec/schema.hpp>
#include <strata/core/result.hpp>

namespace strata::inline STRATA_ABI::detail {

// Bytes within the description that the tree owns.
struct text_range {
  std::size_t begin = 0;
  std::size_t length = 0;
};

struct type_node {
  type_kind kind{};
  std::uint32_t first = 0;  // where its children stand in the list of children
  std::uint32_t count = 0;  // how many
  std::uint64_t length =
      0;  // array: elements; duration, time_point: numerator; evolving: fingerprint of the canonical form
  std::uint64_t divisor = 0;      // duration, time_point: denominator
  std::uint64_t least = 0;        // the fewest bytes of a value
  text_range text{};              // custom: name; evolving: defaults; structure: its description
  std::uint32_t predecessor = 0;  // evolving: node it upgrades from, where `upgrade` is not 0
  std::uint32_t upgrade = 0;      // evolving: 1 + the number of the function
};

// What a child of a structure has besides its type.
struct field_label {
  text_range name{};
  dynamic_array<text_range> former{};
};

// Whether structures are in the form that is stored, or the one that says what their evolution needs.
enum class description_form : unsigned char { canonical, evolving };

class type_tree {
 public:
  // Errors: corruption (not a description in this form, or one outside the invariants above).
  [[nodiscard]] STRATA_COLD static result<type_tree> parse(byte_string description, description_form form) {
    type_tree tree;
    tree.description_ = std::move(description);
    parser parsing(tree, form);
    const std::uint32_t root = parsing.type(0);
    if (parsing.in.complete()) tree.complete_leasts();
    if (!parsing.in.complete() || !tree.elements_have_bytes())
      return error(errc::corruption, "read type description", "the bytes describe no type");
    tree.root_ = root;
    return tree;
  }

  [[nodiscard]] std::uint32_t root() const noexcept { return root_; }
  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
  [[nodiscard]] const type_node& operator[](std::uint32_t index) const noexcept { return nodes_[index]; }
  [[nodiscard]] std::uint32_t child(const type_node& node, std::size_t number) const noexcept {
    return children_[node.first + number];
  }
  [[nodiscard]] const field_label& label(const type_node& node, std::size_t number) const noexcept {
    return labels_[node.first + number];
  }
  [[nodiscard]] bytes_view text(text_range range) const noexcept {
    return bytes_view(description_).substr(range.begin, range.length);
  }

  // Walks over one value. False, with `in` failed, where the bytes end before it or no value begins so.
  bool skip(std::uint32_t index, byte_reader& in, unsigned level = 0) const;

 private:
  struct open_structure {
    std::uint32_t node;
    std::size_t guards;
    open_structure* outer;
  };

  // One walk over the description.
  struct parser {
    parser(type_tree& into, description_form wanted)
        : tree(into),
          in(into.description_),
          structure_kind(wanted == description_form::canonical ? type_kind::structure : type_kind::evolving_structure) {
    }

    // The node of the type that begins here; 0 after a failure.
    std::uint32_t type(unsigned level);
    void structure(std::uint32_t index, unsigned level, std::size_t begin);
    void children(std::uint32_t index, std::uint64_t count, unsigned level);
    std::uint32_t enclosing();
    text_range range() {
      const std::uint64_t length = in.varint();
      const std::size_t begin = in.position();
      return {begin, in.bytes(length).size()};
    }

    type_tree& tree;
    byte_reader in;
    type_kind structure_kind;
    open_structure* innermost = nullptr;
    std::size_t guards = 0;  // kinds around this place that let a value end before it
  };

  // What a structure takes at least is known only behind it, and what is made of it may stand within: sums of children are
  // made when all is read. Children come behind what holds them; only what names an enclosing structure looks back, always
  // to one further out, so that this ends after as many rounds as structures nest.
  void complete_leasts() noexcept {
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t i = nodes_.size(); i-- > 0;) {
        type_node& node = nodes_[i];
        const std::uint64_t least = least_of(node);
        changed = changed || least != node.least;
        node.least = least;
      }
    }
  }
  [[nodiscard]] std::uint64_t least_of(const type_node& node) const noexcept {
    switch (node.kind) {
      case type_kind::array: return capped(capped(node.length) * least_of_element(node));
      case type_kind::tuple:
      case type_kind::structure:
      case type_kind::evolving_structure:
      case type_kind::duration:
      case type_kind::time_point: return least_of_element(node);
      default: return node.least;
    }
  }
  [[nodiscard]] bool elements_have_bytes() const noexcept {
    for (const type_node& node : nodes_) {
      if (node.kind != type_kind::sequence && node.kind != type_kind::set && node.kind != type_kind::map) continue;
      if (least_of_element(node) == 0) return false;
    }
    return true;
  }
  [[nodiscard]] std::uint64_t least_of_element(const type_node& node) const noexcept {
    std::uint64_t least = 0;
    for (std::size_t i = 0; i < node.count; ++i) least = capped(least + nodes_[child(node, i)].least);
    return least;
  }
  // Sizes stop growing here, far above what a value can take: sums and products of two never overflow.
  static std::uint64_t capped(std::uint64_t size) noexcept { return size < least_cap ? size : least_cap; }
  static constexpr std::uint64_t least_cap = std::uint64_t{1} << 31;

  byte_string description_;
  dynamic_array<type_node> nodes_;
  dynamic_array<std::uint32_t> children_;
  dynamic_array<field_label> labels_;
  std::uint32_t root_ = 0;
};

[[nodiscard]] constexpr bool is_integer_kind(type_kind kind) noexcept {
  return kind >= type_kind::unsigned_8 && kind <= type_kind::signed_64;
}
[[nodiscard]] constexpr bool is_signed_kind(type_kind kind) noexcept { return kind >= type_kind::signed_8; }
[[nodiscard]] constexpr bool is_float_kind(type_kind kind) noexcept {
  return kind == type_kind::float_32 || kind == type_kind::float_64;
}

// The bytes of a scalar of a fixed width; 0 for every other kind.
[[nodiscard]] constexpr std::size_t scalar_bytes(type_kind kind) noexcept {
  if (kind == type_kind::boolean) return 1;
  if (is_integer_kind(kind)) return std::size_t{1} << ((static_cast<unsigned>(kind) - 2) % 4);
  if (is_float_kind(kind)) return kind == type_kind::float_32 ? 4 : 8;
  return 0;
}

// Every child takes at least a byte of the description, so a count beyond its length is none. There are never more
// children than bytes: the difference does not wrap, where a sum with a stored count would.
STRATA_COLD inline void type_tree::parser::children(std::uint32_t index, std::uint64_t count, unsigned level) {
  if (count > tree.description_.size() - tree.children_.size()) return in.fail();
  const std::size_t first = tree.children_.size();
  tree.children_.resize(first + static_cast<std::size_t>(count));
  tree.labels_.resize(tree.children_.size());
  tree.nodes_[index].first = static_cast<std::uint32_t>(first);
  tree.nodes_[index].count = static_cast<std::uint32_t>(count);

  const type_kind kind = tree.nodes_[index].kind;
  const bool labelled = kind == type_kind::structure || kind == type_kind::evolving_structure;
  for (std::size_t i = first; i < first + count && in.ok(); ++i) {
    if (labelled) tree.labels_[i].name = range();
    if (kind == type_kind::evolving_structure)
      for (std::uint64_t names = in.varint(); names != 0 && in.ok(); --names) tree.labels_[i].former.push_back(range());
    const std::uint32_t node = type(level + 1);
    tree.children_[i] = node;
  }
}

STRATA_COLD inline void type_tree::parser::structure(std::uint32_t index, unsigned level, std::size_t begin) {
  open_structure here{index, guards, innermost};
  innermost = &here;
  const bool evolving = tree.nodes_[index].kind == type_kind::evolving_structure;
  if (evolving) {
    tree.nodes_[index].length = in.varint();
    tree.nodes_[index].text = range();
  }
  children(index, in.varint(), level);
  if (evolving && in.ok()) {
    const auto upgrade = static_cast<std::uint32_t>(in.varint());
    tree.nodes_[index].upgrade = upgrade;
    if (upgrade != 0) {
      const std::uint32_t predecessor = type(level + 1);
      tree.nodes_[index].predecessor = predecessor;
    }
  }
  if (!evolving) tree.nodes_[index].text = {begin, in.position() - begin};
  innermost = here.outer;
}

STRATA_COLD inline std::uint32_t type_tree::parser::enclosing() {
  const open_structure* target = innermost;
  for (std::uint64_t distance = in.varint(); distance != 0 && target != nullptr; --distance) target = target->outer;
  if (target == nullptr || guards == target->guards) return in.fail(), 0;
  return target->node;
}

STRATA_COLD inline std::uint32_t type_tree::parser::type(unsigned level) {
  const std::size_t begin = in.position();
  const auto kind = static_cast<type_kind>(in.fixed<std::uint8_t>());
  if (level > nesting_levels_max || !in.ok()) return in.fail(), 0;
  if (kind == type_kind::enclosing) return enclosing();

  const auto index = static_cast<std::uint32_t>(tree.nodes_.size());
  tree.nodes_.emplace_back().kind = kind;
  switch (kind) {
    case type_kind::text:
    case type_kind::bytes:
      tree.nodes_[index].least = 1;
      break;
    case type_kind::optional:
    case type_kind::sequence:
    case type_kind::set:
    case type_kind::map:
    case type_kind::variant:
      ++guards;
      children(index, kind == type_kind::variant ? in.varint() : kind == type_kind::map ? 2 : 1, level);
      if (tree.nodes_[index].count > 255 || tree.nodes_[index].count == 0) in.fail();
      tree.nodes_[index].least = 1;
      --guards;
      break;
    case type_kind::array: {
      const std::uint64_t length = in.varint();
      children(index, 1, level);
      tree.nodes_[index].length = length;
      break;
    }
    case type_kind::tuple:
      children(index, in.varint(), level);
      break;
    case type_kind::structure:
    case type_kind::evolving_structure:
      if (kind != structure_kind) return in.fail(), 0;
      structure(index, level, begin);
      break;
    case type_kind::duration:
    case type_kind::time_point: {
      const std::uint64_t numerator = in.varint();
      const std::uint64_t denominator = in.varint();
      children(index, 1, level);
      tree.nodes_[index].length = numerator;
      tree.nodes_[index].divisor = denominator;
      break;
    }
    case type_kind::custom:
      tree.nodes_[index].text = range();
      tree.nodes_[index].least = 1;
      break;
    default:
      if (scalar_bytes(kind) == 0) in.fail();
      tree.nodes_[index].least = scalar_bytes(kind);
  }
  return index;
}

// The stack that a walk may take. A value of a type that contains itself nests at most `nesting_levels_max`
// containers; ten types between one container and the next are more than programs have.
inline constexpr unsigned walk_levels_max = 10 * nesting_levels_max;

inline bool type_tree::skip(std::uint32_t index, byte_reader& in, unsigned level) const {
  const type_node& node = nodes_[index];
  if (level > walk_levels_max) in.fail();
  const auto skip_children = [&](std::uint64_t times) {
    if (node.least == 0 && (node.kind == type_kind::array || node.kind == type_kind::tuple)) return;
    for (std::uint64_t i = 0; i < times && in.ok(); ++i)
      for (std::size_t number = 0; number < node.count && in.ok(); ++number) skip(child(node, number), in, level + 1);
  };
  switch (node.kind) {
    case type_kind::text:
    case type_kind::bytes:
    case type_kind::custom:
      static_cast<void>(in.sized());
      break;
    case type_kind::optional: {
      const auto present = in.fixed<std::uint8_t>();
      if (present > 1) in.fail();
      skip_children(present);
      break;
    }
    case type_kind::variant: {
      const auto alternative = in.fixed<std::uint8_t>();
      if (alternative >= node.count) in.fail();
      if (in.ok()) skip(child(node, alternative), in, level + 1);
      break;
    }
    case type_kind::sequence:
    case type_kind::set:
    case type_kind::map:
      skip_children(in.varint());
      break;
    case type_kind::array:
      skip_children(node.length);
      break;
    case type_kind::tuple:
    case type_kind::structure:
    case type_kind::evolving_structure:
    case type_kind::duration:
    case type_kind::time_point:
      skip_children(1);
      break;
    default:
      static_cast<void>(in.bytes(scalar_bytes(node.kind)));
  }
  return in.ok();
}

}  // namespace strata::inline STRATA_ABI::detail

#endif
