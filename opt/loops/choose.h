// The compiler's own choice of a schedule: which directives, with which factors. What it decides by is
// written down where it is decided; `tenon emit schedule` prints what came out.
#pragma once
#include <functional>
#include <span>

#include "ir/ir.h"
#include "opt/loops/access.h"
#include "opt/loops/directive.h"
#include "opt/loops/machine.h"

namespace tenon::opt::loops {

/// A nest as ir::loops::lower() made it, and the schedule that was applied to it: empty where none is
/// known to help.
struct Scheduled {
  Kernel kernel;
  ir::Schedule schedule;
  std::string path = {};  ///< of the definition that the compute belongs to; empty: of none
  std::vector<std::string> given_up = {};  ///< what the compiler would have chosen, and why the nest refuses that
};
Scheduled choose(Kernel kernel, const Machine& machine, Mode mode);

/// The same for a GPU. Every kernel gets one, unless it has no loop that blocks and threads could share.
Scheduled choose_gpu(Kernel kernel, Mode mode);

/// Every kernel of the module, function by function: by the schedule that the module has for its path or
/// its compute carries; by the compiler's choice, if it `chooses` (for a GPU always), where there is none.
/// Throws Refused.
std::vector<Scheduled> lower_all(const ir::Module& module, const Machine& machine, Mode mode,
                                 bool chooses);
/// What lower_all() would throw, of every kernel that has been told something.
std::vector<Refused> refusals(const ir::Module& module, Mode mode);

/// What the compiler takes a nest for, and the schedule that it has for one; empty: the nest is none.
struct Kind {
  std::string_view name;  ///< with its article
  std::function<ir::Schedule()> schedule;
};
/// By the first kind whose schedule the nest allows. What a directive refuses (a padded read in lanes, say)
/// leaves the nest to the next kind, and is noted.
Scheduled first_allowed(Kernel kernel, std::span<const Kind> kinds, Mode mode);

/// What `choose` says of a nest in which a branch around a sum is gone (speculate.cpp); empty where there is none, or
/// it is taken too rarely.
ir::Schedule choose_speculated(const Kernel& kernel, Mode mode,
                               const std::function<ir::Schedule(const Kernel&)>& choose);

/// Names for loops that a schedule will make, none of them twice, while the nest has none of them yet.
class FreshNames {
 public:
  explicit FreshNames(const Kernel& kernel) : kernel_(kernel) {}
  std::string fresh(const std::string& hint);

 private:
  const Kernel& kernel_;
  std::vector<std::string> taken_;
};

/// A copy of what the turns of a loop read of a tensor.
struct Copy {
  std::string at;                ///< the loop
  BufferId buffer;
  int64_t lanes;
  bool guarded = false;          ///< an image that gets its margin
  int64_t apart_bytes = 0;       ///< between elements that come to lie side by side
  bool shared = false;           ///< out to threads, if it is large
};
/// Appends to a schedule `pack`, and what makes the copy's loops fast.
void add_copy(ir::Schedule& schedule, const Kernel& kernel, const Copy& copy);

/// Elements that lie so far apart are loaded with what lies between (backend/loop_addresses.cpp).
inline constexpr int64_t kWidestStep = 4;
/// Of short rows.
inline constexpr int64_t kFewestLanes = 4;
/// Whether lanes may be the turns of `loop`: what is accessed stays, or lies side by side or a few elements apart.
bool suits_lanes(const std::optional<Strides>& strides, LoopId loop);
double bytes_of(const ir::Type& type);
/// Whether results are in no cache any more when somebody reads them: together with what is read for them they
/// fill one.
bool writes_much(const Kernel& kernel);
/// Whether there is enough to do, outside of products, to wake a thread.
bool is_worth_threads(const Kernel& kernel);

/// `keep` for each pair of loops beside each other where it applies, and done.
ir::Schedule keep_rows(Kernel& kernel, const Machine& machine, Mode mode);

// ---- by kind of nest, a file each; empty if it is of another kind

ir::Schedule choose_product(const Kernel& kernel, const Machine& machine, Mode mode);
ir::Schedule choose_stencil(const Kernel& kernel, const Machine& machine, Mode mode);
ir::Schedule choose_transpose(const Kernel& kernel, const Machine& machine, Mode mode);
ir::Schedule choose_rows(const Kernel& kernel, const Machine& machine, Mode mode);

}  // namespace tenon::opt::loops
