#pragma once

#include <bitcoinfuzz/basemodule.h>
#include <optional>
#include <string>

namespace bitcoinfuzz {
namespace module {
class Bolt12 : public BaseModule {
public:
  Bolt12();
  std::optional<std::string> deserialize_offer(std::string str) const override;
  ~Bolt12() noexcept override = default;
};
} // namespace module
} // namespace bitcoinfuzz
