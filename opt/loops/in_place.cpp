// Definitions that threads compute for each other in shared memory, one from the other, element by element: in one
// array, where nobody reads the first any more. A softmax keeps its rows in it from the scores to the weights.
//
//     shared a: f32[8, 512] of %score            shared a: f32[8, 512] of %score
//     thread … { a[…] = … }                      thread … { a[…] = … }
//     thread for r { … max(…, a[r, j]) … }       thread for r { … max(…, a[r, j]) … }
//     shared b: f32[8, 512] of %e
//     thread … { b[r, j] = exp(a[r, j] - …) }    thread … { a[r, j] = exp(a[r, j] - …) }
//     … b[r, j] …                                … a[r, j] …
//
// The nest of a definition sets every element once (at.cpp), and no directive makes two turns of one. So a thread
// finds at the place where it writes what it was given, provided that it is alone there: inside all loops over threads.
#include <algorithm>

#include "opt/loops/shared.h"

namespace tenon::opt::loops {
namespace {

/// The arrays of a block that declares some.
class InPlace {
 public:
  InPlace(Kernel& kernel, Block& block) : kernel_(kernel), block_(block) {}

  void run() {
    while (join_two()) {}
  }

 private:
  /// The first two: of a chain, each then takes the place of the one before.
  bool join_two() {
    const std::set<LocalId> declared = declared_in(block_);
    for (size_t nest = 0; nest < block_.size(); ++nest)
      for (const LocalId later : changed_by({block_[nest]}))
        for (const LocalId earlier : used_by({block_[nest]}))
          if (declared.contains(later) && declared.contains(earlier) && can_take_place(nest, later, earlier))
            return join(later, earlier), true;
    return false;
  }

  bool can_take_place(size_t nest, LocalId later, LocalId earlier) const {
    const bool alike = later != earlier && is_definition(later) && is_definition(earlier) &&
                       kernel_.locals[later] == kernel_.locals[earlier];
    if (!alike || is_declaration(block_[nest], later)) return false;
    for (size_t i = 0; i < block_.size(); ++i) {
      if (i == nest || is_declaration(block_[i], later)) continue;
      if (changed_by({block_[i]}).contains(later)) return false;
      if (i > nest && used_by({block_[i]}).contains(earlier)) return false;
    }
    return reads_own_element(block_[nest], later, earlier);
  }

  bool is_definition(LocalId local) const {
    return kernel_.shared.contains(local) && kernel_.definitions.contains(local);
  }

  static bool is_declaration(const Stmt& stmt, LocalId local) {
    const auto* set = std::get_if<SetLocal>(&stmt.node);
    return set != nullptr && set->declares && set->local == local;
  }

  /// Whether all that `nest` reads of the one is the element at the place where it sets the other, just before that.
  bool reads_own_element(const Stmt& nest, LocalId later, LocalId earlier) const {
    const std::optional<Setting> setting = setting_of({nest}, later, false);
    if (!setting || changed_by({nest}).contains(earlier)) return false;
    bool same = true;
    const auto reads = [&](const Block& block) {
      int64_t count = 0;
      for_each_stmt(block, [&](const Stmt& stmt) {
        for_each_read_local(stmt, [&](const Local& read) {
          same &= read.local != later;
          if (read.local != earlier) return;
          ++count;
          same &= std::ranges::equal(read.subscripts, setting->subscripts, same_text);
        });
      });
      return count;
    };
    const int64_t just_before = reads(setting->before), all = reads({nest});
    return same && all > 0 && just_before == all;
  }

  template <class Visit>
  static void for_each_read_local(const Stmt& stmt, const Visit& visit) {
    const std::function<void(const ExprPtr&)> walk = [&](const ExprPtr& e) {
      if (e == nullptr) return;
      if (const auto* read = std::get_if<Local>(&e->node)) visit(*read);
      for_each_operand(*e, walk);
    };
    for_each_expr(stmt, walk);
  }

  /// The statement that sets an array, with those before it in its block.
  struct Setting {
    Subscripts subscripts;
    Block before;
  };
  /// The only one, if a thread takes it alone: it stands in loops over threads, and no others beside it, for whose
  /// threads one would write.
  static std::optional<Setting> setting_of(const Block& block, LocalId array, bool in_threads) {
    std::optional<Setting> found;
    for (size_t i = 0; i < block.size(); ++i) {
      if (!changed_by({block[i]}).contains(array)) continue;
      if (found) return {};
      const auto* set = std::get_if<SetLocal>(&block[i].node);
      const auto* loop = std::get_if<For>(&block[i].node);
      if (set != nullptr && in_threads && !has_threads(block))
        found = Setting{set->subscripts, Block(block.begin(), block.begin() + static_cast<std::ptrdiff_t>(i) + 1)};
      if (loop != nullptr) found = setting_of(loop->body, array, in_threads || loop->kind == LoopKind::thread);
      if (!found) return {};
    }
    return found;
  }

  void join(LocalId later, LocalId earlier) {
    std::erase_if(block_, [&](const Stmt& stmt) { return is_declaration(stmt, later); });
    block_ = with_locals(block_, [&](const Local& local) {
      return local.local == later ? std::optional(Local{earlier, local.subscripts}) : std::nullopt;
    });
    kernel_.shared.erase(later);
    kernel_.definitions.erase(later);
  }

  Kernel& kernel_;
  Block& block_;
};

void join_in(Kernel& kernel, Block& block) {
  InPlace(kernel, block).run();
  for (Stmt& stmt : block) {
    if (auto* loop = std::get_if<For>(&stmt.node)) join_in(kernel, loop->body);
    if (auto* branch = std::get_if<If>(&stmt.node)) join_in(kernel, branch->then), join_in(kernel, branch->otherwise);
  }
}

}  // namespace

void compute_in_place(Kernel& kernel) { join_in(kernel, kernel.body); }

}  // namespace tenon::opt::loops
