#include "acquisition/decode/description.hpp"

#include "acquisition/decode/selection.hpp"

namespace daq::decode {

namespace {

template <class D>
struct Kind;

template <>
struct Kind<TextFormat> {
  static constexpr std::string_view name = "text";
  static constexpr auto make = make_text_decoder;
  static constexpr auto density = text_density;
  static constexpr auto frame_length = text_frame_length;
};

/// The row of the description's own kind.
template <class Use>
auto with_kind(const Description& description, Use use) {
  return std::visit([&]<class D>(const D& d) { return use(Kind<D>{}, d); }, description);
}

}  // namespace

std::string_view name_of(const Description& description) {
  return with_kind(description, [](auto kind, const auto&) { return decltype(kind)::name; });
}

std::unique_ptr<Decoder> make_decoder(const Description& description, const std::vector<std::size_t>& kept) {
  auto decoder = with_kind(description, [](auto kind, const auto& d) { return decltype(kind)::make(d); });
  if (kept.empty()) return decoder;
  const auto n_channels = std::visit([](const auto& d) { return d.n_channels; }, description);
  return select_channels(std::move(decoder), n_channels, kept);
}

Density density(const Description& description) {
  return with_kind(description, [](auto kind, const auto& d) { return decltype(kind)::density(d); });
}

std::size_t frame_length(const Description& description, std::span<const char> bytes) {
  return with_kind(description, [&](auto kind, const auto& d) { return decltype(kind)::frame_length(d, bytes); });
}

}  // namespace daq::decode
