/** A file that can be downloaded, and how it is known to be the right one. */
export interface ReleaseFile {
  /** Name it is kept under. */
  readonly name: string;
  readonly url: string;
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

const MNIST = 'https://storage.googleapis.com/cvdf-datasets/mnist/';
const FASHION = 'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/b2617bb6d3ffa2e429640350f613e3291e10b141/data/fashion/';

const OMNIGLOT = 'https://raw.githubusercontent.com/brendenlake/omniglot/master/python/';

const file = (base: string, name: string, bytes: number, sha256: string): ReleaseFile => ({ name, url: base + name, bytes, sha256 });

/**
 * The official releases that are downloaded. The files behind these hashes have the MD5 sums that their publishers give
 * (Fashion-MNIST's README, the CIFAR-10 page, and for MNIST the table in torchvision's source); the SHA-256 of CIFAR-10
 * and of MNIST's training images are those recorded by MLDatasets.jl and the tensorflow/haskell loaders.
 */
export const RELEASES: Readonly<Record<'mnist-full' | 'fashion-mnist' | 'cifar10' | 'omniglot', readonly ReleaseFile[]>> = {
  'mnist-full': [
    file(MNIST, 'train-images-idx3-ubyte.gz', 9_912_422, '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609'),
    file(MNIST, 'train-labels-idx1-ubyte.gz', 28_881, '3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c'),
    file(MNIST, 't10k-images-idx3-ubyte.gz', 1_648_877, '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6'),
    file(MNIST, 't10k-labels-idx1-ubyte.gz', 4_542, 'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6'),
  ],
  'fashion-mnist': [
    file(FASHION, 'train-images-idx3-ubyte.gz', 26_421_880, '3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84'),
    file(FASHION, 'train-labels-idx1-ubyte.gz', 29_515, 'a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845'),
    file(FASHION, 't10k-images-idx3-ubyte.gz', 4_422_102, '346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073'),
    file(FASHION, 't10k-labels-idx1-ubyte.gz', 5_148, '67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5'),
  ],
  cifar10: [
    file('https://www.cs.toronto.edu/~kriz/', 'cifar-10-binary.tar.gz', 170_052_171, 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd'),
  ],
  omniglot: [
    file(OMNIGLOT, 'images_background_small1.zip', 1_319_022, 'f38eb80f801274ac2b4dff5b24289016bfaba4a7d5bb50deebf27104ad6cb8a4'),
    file(OMNIGLOT, 'images_background_small2.zip', 1_580_917, '3ccaa407515a8778e5d0861875af38b17e418f301ad5bb3b5a6b65d901a41c7f'),
  ],
};
