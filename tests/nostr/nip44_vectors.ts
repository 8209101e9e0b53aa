/** A sample of NIP-44's published vectors (version 2). */
export const nip44Vectors = {
  conversationKeys: [
    [
      "315e59ff51cb9209768cf7da80791ddcaae56ac9775eb25b6dee1234bc5d2268",
      "c2f9d9948dc8c7c38321e4b85c8558872eafa0641cd269db76848a6073e69133",
      "3dfef0ce2a4d80a25e7a328accf73448ef67096f65f79588e358d9a0eb9013f1",
    ],
    [
      "a1e37752c9fdc1273be53f68c5f74be7c8905728e8de75800b94262f9497c86e",
      "03bb7947065dde12ba991ea045132581d0954f042c84e06d8c00066e23c1a800",
      "4d14f36e81b8452128da64fe6f1eae873baae2f444b02c950b90e43553f2178b",
    ],
    [
      "98a5902fd67518a0c900f0fb62158f278f94a21d6f9d33d30cd3091195500311",
      "aae65c15f98e5e677b5050de82e3aba47a6fe49b3dab7863cf35d9478ba9f7d1",
      "9c00b769d5f54d02bf175b7284a1cbd28b6911b06cda6666b2243561ac96bad7",
    ],
  ],
  messages: [
    {
      sec1: "0000000000000000000000000000000000000000000000000000000000000001",
      sec2: "0000000000000000000000000000000000000000000000000000000000000002",
      nonce: "0000000000000000000000000000000000000000000000000000000000000001",
      plaintext: "a",
      payload:
        "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABee0G5VSK0/9YypIObAtDKfYEAjD35uVkHyB0F4DwrcNaCXlCWZKaArsGrY6M9wnuTMxWfp1RTN9Xga8no+kF5Vsb",
    },
    {
      sec1: "0000000000000000000000000000000000000000000000000000000000000002",
      sec2: "0000000000000000000000000000000000000000000000000000000000000001",
      nonce: "f00000000000000000000000000000f00000000000000000000000000000000f",
      plaintext: "🍕🫃",
      payload:
        "AvAAAAAAAAAAAAAAAAAAAPAAAAAAAAAAAAAAAAAAAAAPSKSK6is9ngkX2+cSq85Th16oRTISAOfhStnixqZziKMDvB0QQzgFZdjLTPicCJaV8nDITO+QfaQ61+KbWQIOO2Yj",
    },
    {
      sec1: "5c0c523f52a5b6fad39ed2403092df8cebc36318b39383bca6c00808626fab3a",
      sec2: "4b22aa260e4acb7021e32f38a6cdf4b673c6a277755bfce287e370c924dc936d",
      nonce: "b635236c42db20f021bb8d1cdff5ca75dd1a0cc72ea742ad750f33010b24f73b",
      plaintext: "表ポあA鷗ŒéＢ逍Üßªąñ丂㐀𠀀",
      payload:
        "ArY1I2xC2yDwIbuNHN/1ynXdGgzHLqdCrXUPMwELJPc7s7JqlCMJBAIIjfkpHReBPXeoMCyuClwgbT419jUWU1PwaNl4FEQYKCDKVJz+97Mp3K+Q2YGa77B6gpxB/lr1QgoqpDf7wDVrDmOqGoiPjWDqy8KzLueKDcm9BVP8xeTJIxs=",
    },
    {
      sec1: "8f40e50a84a7462e2b8d24c28898ef1f23359fff50d8c509e6fb7ce06e142f9c",
      sec2: "b9b0a1e9cc20100c5faa3bbe2777303d25950616c4c6a3fa2e3e046f936ec2ba",
      nonce: "b20989adc3ddc41cd2c435952c0d59a91315d8c5218d5040573fc3749543acaf",
      plaintext: "ability🤝的 ȺȾ",
      payload:
        "ArIJia3D3cQc0sQ1lSwNWakTFdjFIY1QQFc/w3SVQ6yvbG2S0x4Yu86QGwPTy7mP3961I1XqB6SFFTzqDZZavhxoWMj7mEVGMQIsh2RLWI5EYQaQDIePSnXPlzf7CIt+voTD",
    },
  ],
  /** Secret key, public key: no conversation is possible. */
  noConversation: [
    [
      "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef",
    ],
    [
      "0000000000000000000000000000000000000000000000000000000000000000",
      "1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef",
    ],
    [
      "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364139",
      "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ],
    [
      "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
      "1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef",
    ],
    [
      "0000000000000000000000000000000000000000000000000000000000000002",
      "1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef",
    ],
    [
      "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
      "0000000000000000000000000000000000000000000000000000000000000000",
    ],
    [
      "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
      "eb1f7200aecaa86682376fb1c13cd12b732221e774f553b0a0857f88fa20f86d",
    ],
    [
      "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
      "709858a4c121e4a84eb59c0ded0261093c71e8ca29efeef21a6161c447bcaf9f",
    ],
  ],
  /** Another version, bad base64, wrong MAC, wrong padding. */
  unreadable: [
    "#Atqupco0WyaOW2IGDKcshwxI9xO8HgD/P8Ddt46CbxDbrhdG8VmJdU0MIDf06CUvEvdnr1cp1fiMtlM/GrE92xAc1K5odTpCzUB+mjXgbaqtntBUbTToSUoT0ovrlPwzGjyp",
    "AK1AjUvoYW3IS7C/BGRUoqEC7ayTfDUgnEPNeWTF/reBZFaha6EAIRueE9D1B1RuoiuFScC0Q94yjIuxZD3JStQtE8JMNacWFs9rlYP+ZydtHhRucp+lxfdvFlaGV/sQlqZz",
    "Atфupco0WyaOW2IGDKcshwxI9xO8HgD/P8Ddt46CbxDbrhdG8VmJZE0UICD06CUvEvdnr1cp1fiMtlM/GrE92xAc1EwsVCQEgWEu2gsHUVf4JAa3TpgkmFc3TWsax0v6n/Wq",
    "Agn/l3ULCEAS4V7LhGFM6IGA17jsDUaFCKhrbXDANholyySBfeh+EN8wNB9gaLlg4j6wdBYh+3oK+mnxWu3NKRbSvQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "Anq2XbuLvCuONcr7V0UxTh8FAyWoZNEdBHXvdbNmDZHB573MI7R7rrTYftpqmvUpahmBC2sngmI14/L0HjOZ7lWGJlzdh6luiOnGPc46cGxf08MRC4CIuxx3i2Lm0KqgJ7vA",
  ],
} as const;
